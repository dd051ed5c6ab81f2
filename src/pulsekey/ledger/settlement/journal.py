"""The embedded chain: an EVM engine, and every transaction of it in SQLite.

A transaction is acknowledged once its row is durable, and its row holds what it did. Opening
replays the rows; a replay that does not do the same again is an error, never a new truth. A
snapshot of the state only saves time: without it, or with a damaged one, the rows are enough. Rows
are chained by digests, so that a changed bit is named. What this chain says is its operator's word.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pulsekey.ledger.settlement.ports import Address, Answer, Engine, Event, Receipt
from pulsekey.ledger.settlement.receipts import Transaction, decode_receipt, encode_receipt
from pulsekey.primitives import tags
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.database import open_database, transaction, translated
from pulsekey.primitives.errors import IntegrityError
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import Digest, Entropy

SNAPSHOT_AFTER = 1_000
"""Opening that replayed more transactions than this keeps the state, so that the next does not."""

TOPICS_MAX = 4
CHAIN_ID_BYTES = 6
"""Drawn at random for each chain, so that no two embedded ledgers have the same id (ADR 0013)."""

SCHEMA = """
CREATE TABLE chain (id INTEGER NOT NULL) STRICT;
CREATE TABLE entry (
    number INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    sender BLOB NOT NULL,
    target BLOB,
    data BLOB NOT NULL,
    receipt BLOB NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE TABLE event (
    number INTEGER NOT NULL,
    position INTEGER NOT NULL,
    contract BLOB NOT NULL,
    topic0 BLOB,
    topic1 BLOB,
    topic2 BLOB,
    topic3 BLOB,
    PRIMARY KEY (number, position)
) STRICT;
CREATE INDEX event_by_topic ON event (contract, topic0, topic2);
CREATE TABLE snapshot (
    number INTEGER PRIMARY KEY, content BLOB NOT NULL, digest BLOB NOT NULL
) STRICT
"""
MIGRATIONS = (SCHEMA,)
_ENTRIES = "SELECT number, time, sender, target, data, receipt, digest FROM entry"


class JournalledChain:
    """Implements `Chain`. One process at a time, any thread."""

    def __init__(self, path: Path, engine: Callable[[int], Engine], entropy: Entropy) -> None:
        self._path = path
        self._make_engine = engine
        self._lock = threading.Lock()
        self._tables = open_database(path, MIGRATIONS, exclusive=True)
        with transaction(self._tables, path):
            self._tables.execute(
                "INSERT INTO chain SELECT ? WHERE NOT EXISTS (SELECT 1 FROM chain)",
                (int.from_bytes(entropy(CHAIN_ID_BYTES)) | 1,),
            )
        with translated(path):
            (chain_id,) = self._tables.execute("SELECT id FROM chain").fetchone()
        self._chain_id: int = chain_id
        self._digest = _first_digest(chain_id)
        replayed = self._replay()
        if replayed > SNAPSHOT_AFTER:
            self._keep_snapshot()

    @property
    def chain_id(self) -> int:
        return self._chain_id

    @property
    def length(self) -> int:
        """How many transactions were acknowledged."""
        return self._length

    def deploy(self, sender: Address, code: bytes, at: Seconds) -> Receipt:
        with self._lock:
            return self._acknowledge(sender, None, code, at)

    def transact(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Receipt:
        with self._lock:
            return self._acknowledge(sender, to, data, at)

    def call(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Answer:
        with self._lock:
            return self._engine.call(sender, to, data, max(at, self._time))

    def code(self, contract: Address) -> bytes:
        with self._lock:
            return self._engine.code(contract)

    def events(
        self, contract: Address, topics: Sequence[bytes | None]
    ) -> Sequence[tuple[Receipt, Event]]:
        wanted = [(place, topic) for place, topic in enumerate(topics[:TOPICS_MAX]) if topic]
        where = "".join(f" AND topic{place} = ?" for place, _ in wanted)
        query = f"SELECT number, position FROM event WHERE contract = ?{where} ORDER BY 1, 2"  # noqa: S608 - only places from 0 to 3 are put in
        with self._lock, translated(self._path):
            rows = self._tables.execute(query, (contract, *(t for _, t in wanted))).fetchall()
            receipts = {number: self._verified_receipt(number) for number, _ in rows}
        return [(receipts[number], receipts[number].events[position]) for number, position in rows]

    def first_contract(self) -> Address | None:
        """Return the contract that the first transaction deployed."""
        with self._lock, translated(self._path):
            return self._verified_receipt(1).contract

    def close(self) -> None:
        """Let go of the file."""
        self._tables.close()

    def _acknowledge(
        self, sender: Address, to: Address | None, data: bytes, at: Seconds
    ) -> Receipt:
        time = max(at, self._time)
        entry = Transaction(self._length + 1, time, sender, to, data)
        try:
            receipt = _execute(self._engine, entry)
            self._append(entry, receipt)
        except BaseException:
            # The engine may be ahead of what is durable: what was not acknowledged did not happen.
            self._replay()
            raise
        return receipt

    def _append(self, entry: Transaction, receipt: Receipt) -> None:
        content = encode_receipt(receipt)
        digest = _entry_digest(self._digest, entry, content)
        with transaction(self._tables, self._path):
            self._tables.execute(
                "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)",
                (entry.number, entry.time, entry.sender, entry.to, entry.data, content, digest),
            )
            self._tables.executemany(
                "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (entry.number, position, event.contract, *_padded(event.topics))
                    for position, event in enumerate(receipt.events)
                ],
            )
        self._length, self._time, self._digest = entry.number, entry.time, digest

    def _replay(self) -> int:
        """Rebuild the engine from the journal and return how many transactions that took."""
        self._engine = self._make_engine(self._chain_id)
        self._length, self._time, self._digest = 0, Seconds(0), _first_digest(self._chain_id)
        with translated(self._path):
            kept = self._tables.execute(
                "SELECT number, content, digest FROM snapshot ORDER BY number DESC LIMIT 1"
            ).fetchone()
            number, content, sealed = kept or (0, b"", b"")
            known = 0
            for entry, receipt, digest in self._entries():
                if entry.number != self._length + 1:
                    raise IntegrityError(f"transaction {self._length + 1} is missing")
                if _entry_digest(self._digest, entry, receipt) != digest:
                    raise IntegrityError(f"transaction {entry.number} is damaged")
                self._length, self._time, self._digest = entry.number, entry.time, digest
                if entry.number == number and tagged(tags.CHAIN_JOURNAL, digest, content) == sealed:
                    self._engine.load(content)
                    known = number
        for entry, receipt, _digest in self._entries(after=known):
            if encode_receipt(_execute(self._engine, entry)) != receipt:
                raise IntegrityError(f"transaction {entry.number} gives another result than it did")
        return self._length - known

    def _entries(self, after: int = 0) -> Iterator[tuple[Transaction, bytes, Digest]]:
        for number, time, sender, target, data, receipt, digest in self._tables.execute(
            f"{_ENTRIES} WHERE number > ? ORDER BY number", (after,)
        ):
            to = None if target is None else Address(target)
            yield Transaction(number, Seconds(time), Address(sender), to, data), receipt, digest

    def _verified_receipt(self, number: int) -> Receipt:
        before = self._tables.execute(
            "SELECT digest FROM entry WHERE number = ?", (number - 1,)
        ).fetchone()
        previous = _first_digest(self._chain_id) if before is None else before[0]
        entry, receipt, digest = next(self._entries(after=number - 1))
        if _entry_digest(previous, entry, receipt) != digest:
            raise IntegrityError(f"transaction {number} is damaged")
        return decode_receipt(receipt, number, entry.time)

    def _keep_snapshot(self) -> None:
        content = self._engine.dump()
        sealed = tagged(tags.CHAIN_JOURNAL, self._digest, content)
        with transaction(self._tables, self._path):
            self._tables.execute("DELETE FROM snapshot")
            self._tables.execute(
                "INSERT INTO snapshot VALUES (?, ?, ?)", (self._length, content, sealed)
            )


def _execute(engine: Engine, entry: Transaction) -> Receipt:
    if entry.to is None:
        return engine.deploy(entry.sender, entry.data, entry.time)
    return engine.transact(entry.sender, entry.to, entry.data, entry.time)


def _first_digest(chain_id: int) -> Digest:
    return tagged(tags.CHAIN_JOURNAL, chain_id.to_bytes(8))


def _entry_digest(previous: Digest, entry: Transaction, receipt: bytes) -> Digest:
    return tagged(tags.CHAIN_JOURNAL, previous, entry.encode(), receipt)


def _padded(topics: Sequence[bytes]) -> tuple[bytes | None, ...]:
    return (*topics, *[None] * (TOPICS_MAX - len(topics)))
