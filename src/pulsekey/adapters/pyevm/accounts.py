"""The accounts of the embedded chain, flat in memory.

py-evm keeps a Merkle trie, for which a chain with one operator has no use. What must stay true: a
reverted frame leaves nothing behind, and the value that a slot had before the transaction is known,
because gas depends on it (EIP-2200, EIP-2929).
"""

import json
from itertools import count
from typing import Any

from eth_hash.auto import keccak

_MISSING: Any = object()
NO_STATE_ROOT = bytes(32)


class FlatAccounts:
    """Does for py-evm's `State` what its `AccountDB` does (the methods of `AccountDatabaseAPI`)."""

    state_root = NO_STATE_ROOT

    def __init__(self, _database: object = None, _state_root: object = None) -> None:
        self._nonces: dict[bytes, int] = {}
        self._balances: dict[bytes, int] = {}
        self._codes: dict[bytes, bytes] = {}
        self._storage: dict[tuple[bytes, int], int] = {}
        self._warm: dict[object, bool] = {}
        self._originals: dict[tuple[bytes, int], int] = {}
        self._transient: dict[tuple[bytes, int], bytes] = {}
        self._undo: list[tuple[dict[Any, Any], object, object]] = []
        self._marks: dict[int, int] = {}
        self._next_mark = count()

    def _set(self, table: dict[Any, Any], key: object, value: object) -> None:
        self._undo.append((table, key, table.get(key, _MISSING)))
        table[key] = value

    def record(self) -> int:
        mark = next(self._next_mark)
        self._marks[mark] = len(self._undo)
        return mark

    def discard(self, mark: int) -> None:
        keep = self._marks.pop(mark)
        while len(self._undo) > keep:
            table, key, before = self._undo.pop()
            if before is _MISSING:
                del table[key]
            else:
                table[key] = before

    def commit(self, mark: int) -> None:
        del self._marks[mark]

    def lock_changes(self) -> None:
        """End a transaction: nothing can be undone, nothing is warm or transient."""
        self._undo.clear()
        self._marks.clear()
        self._warm.clear()
        self._originals.clear()
        self._transient.clear()

    def get_transient(self, address: bytes, slot: int) -> bytes:
        return self._transient.get((address, slot), b"")

    def set_transient(self, address: bytes, slot: int, value: bytes) -> None:
        self._set(self._transient, (address, slot), value)

    def get_storage(self, address: bytes, slot: int, from_journal: bool = True) -> int:
        key = (address, slot)
        now = self._storage.get(key, 0)
        return now if from_journal else self._originals.get(key, now)

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        key = (address, slot)
        self._originals.setdefault(key, self._storage.get(key, 0))
        self._set(self._storage, key, value)

    def delete_storage(self, address: bytes) -> None:
        for key in [key for key in self._storage if key[0] == address]:
            self._set(self._storage, key, 0)

    def is_storage_warm(self, address: bytes, slot: int) -> bool:
        return (address, slot) in self._warm

    def mark_storage_warm(self, address: bytes, slot: int) -> None:
        if (address, slot) not in self._warm:
            self._set(self._warm, (address, slot), True)

    def is_address_warm(self, address: bytes) -> bool:
        return address in self._warm

    def mark_address_warm(self, address: bytes) -> None:
        if address not in self._warm:
            self._set(self._warm, address, True)

    def get_balance(self, address: bytes) -> int:
        return self._balances.get(address, 0)

    def set_balance(self, address: bytes, balance: int) -> None:
        self._set(self._balances, address, balance)

    def get_nonce(self, address: bytes) -> int:
        return self._nonces.get(address, 0)

    def set_nonce(self, address: bytes, nonce: int) -> None:
        self._set(self._nonces, address, nonce)

    def increment_nonce(self, address: bytes) -> None:
        self.set_nonce(address, self.get_nonce(address) + 1)

    def get_code(self, address: bytes) -> bytes:
        return self._codes.get(address, b"")

    def set_code(self, address: bytes, code: bytes) -> None:
        self._set(self._codes, address, code)

    def get_code_hash(self, address: bytes) -> bytes:
        if not self.account_exists(address):
            return bytes(32)
        code_hash: bytes = keccak(self.get_code(address))
        return code_hash

    def delete_code(self, address: bytes) -> None:
        self._set(self._codes, address, b"")

    def account_has_code_or_nonce(self, address: bytes) -> bool:
        return bool(self.get_nonce(address) or self.get_code(address))

    def account_exists(self, address: bytes) -> bool:
        return not self.account_is_empty(address)

    def account_is_empty(self, address: bytes) -> bool:
        return not (self.account_has_code_or_nonce(address) or self.get_balance(address))

    def touch_account(self, address: bytes) -> None:
        """An account that was touched and stays empty does not exist (EIP-161): nothing to keep."""

    def delete_account(self, address: bytes) -> None:
        self.delete_storage(address)
        self.set_nonce(address, 0)
        self.set_balance(address, 0)
        self.delete_code(address)

    def dump(self) -> bytes:
        """Return everything as JSON. Zeros say nothing and are left out."""
        content = {
            "nonces": {key.hex(): value for key, value in sorted(self._nonces.items()) if value},
            "balances": {
                key.hex(): str(value) for key, value in sorted(self._balances.items()) if value
            },
            "codes": {key.hex(): code.hex() for key, code in sorted(self._codes.items()) if code},
            "storage": [
                [address.hex(), f"{slot:x}", f"{value:x}"]
                for (address, slot), value in sorted(self._storage.items())
                if value
            ],
        }
        return json.dumps(content, separators=(",", ":")).encode()

    def load(self, content: bytes) -> None:
        """Replace everything by what `dump` returned."""
        read = json.loads(content)
        self.lock_changes()
        unhex = bytes.fromhex
        self._nonces = {unhex(key): value for key, value in read["nonces"].items()}
        self._balances = {unhex(key): int(value) for key, value in read["balances"].items()}
        self._codes = {unhex(key): unhex(code) for key, code in read["codes"].items()}
        self._storage = {
            (unhex(address), int(slot, 16)): int(value, 16)
            for address, slot, value in read["storage"]
        }
