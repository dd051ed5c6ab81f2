"""Any EVM behind a JSON-RPC URL, as a chain to settle on.

Transactions are signed by whoever the endpoint trusts with the sender's key (a node's own account,
a remote signer such as Clef or Web3Signer): no key is held here. Trusted for what it says it
executed, as far as the endpoint is; the contract's hash chain shows whether it kept our anchors.
"""

import http.client
import itertools
import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from pulsekey.ledger.settlement.ports import Address, Answer, Event, Receipt
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import MalformedInput, Unavailable

TIMEOUT_SECONDS = 20.0
RESPONSE_BYTES_MAX = 32 * 2**20
RECEIPT_POLLS_MAX = 600
RECEIPT_POLL_SECONDS = 0.2
GAS_MAX = 4_000_000
"""Asked for with every transaction: deploying the contract takes the most, about 2.1 million."""

_REVERTED = 3
"""The error code with which endpoints report a reverted call, its output in `data`."""


class RpcError(Unavailable):
    """The endpoint answered with an error."""

    def __init__(self, method: str, code: int, message: str, data: object) -> None:
        self.code = code
        self.data = data
        super().__init__(f"{method}: {message[:200]} ({code})")


class RpcChain:
    """Implements `Chain`. Not safe for more than one thread at a time."""

    def __init__(self, url: str, wait: Callable[[float], None] = time.sleep) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or parts.hostname is None:
            raise MalformedInput("not an http or https address", where="EVM endpoint")
        secure = parts.scheme == "https"
        make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connection = make(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._ids = itertools.count(1)
        self._wait = wait

    @property
    def chain_id(self) -> int:
        return _number(self.request("eth_chainId"))

    def deploy(self, sender: Address, code: bytes, at: Seconds) -> Receipt:
        del at
        return self._send({"from": _hex(sender), "data": _hex(code)})

    def transact(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Receipt:
        del at
        return self._send({"from": _hex(sender), "to": _hex(to), "data": _hex(data)})

    def call(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Answer:
        del at
        asked = {"from": _hex(sender), "to": _hex(to), "data": _hex(data)}
        try:
            return Answer(True, _bytes(self.request("eth_call", asked, "latest")))
        except RpcError as error:
            if error.code != _REVERTED:
                raise
            return Answer(False, _bytes(error.data) if isinstance(error.data, str) else b"")

    def code(self, contract: Address) -> bytes:
        return _bytes(self.request("eth_getCode", _hex(contract), "latest"))

    def events(
        self, contract: Address, topics: Sequence[bytes | None]
    ) -> Sequence[tuple[Receipt, Event]]:
        logs = self.request(
            "eth_getLogs",
            {
                "address": _hex(contract),
                "fromBlock": "earliest",
                "toBlock": "latest",
                "topics": [None if topic is None else _hex(topic) for topic in topics],
            },
        )
        receipts = {log["transactionHash"]: None for log in logs}
        found = {name: self._receipt(name) for name in receipts}
        return [(found[log["transactionHash"]], _event(log)) for log in logs]

    def request(self, method: str, *parameters: object) -> Any:
        """Ask the endpoint. Raises `Unavailable` if it is out of reach or answers with an error."""
        body = json.dumps(
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": parameters}
        )
        try:
            self._connection.request("POST", self._path, body, {"content-type": "application/json"})
            content = self._connection.getresponse().read(RESPONSE_BYTES_MAX)
            answer = json.loads(content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise Unavailable(f"{method}: the EVM endpoint did not answer") from error
        if "error" in answer:
            told = answer["error"]
            raise RpcError(method, told.get("code", 0), told.get("message", ""), told.get("data"))
        return answer.get("result")

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _send(self, transaction: dict[str, str]) -> Receipt:
        name = self.request("eth_sendTransaction", {**transaction, "gas": hex(GAS_MAX)})
        return self._receipt(name)

    def _receipt(self, name: str) -> Receipt:
        # Right after sending there is none, even where every transaction has its own block.
        for _ in range(RECEIPT_POLLS_MAX):
            told = self.request("eth_getTransactionReceipt", name)
            if told is not None:
                break
            self._wait(RECEIPT_POLL_SECONDS)
        else:
            raise Unavailable("the transaction is not in a block yet; its outcome is unknown")
        block = self.request("eth_getBlockByNumber", told["blockNumber"], False)
        created = told.get("contractAddress")
        succeeded = _number(told["status"]) == 1
        return Receipt(
            block=_number(told["blockNumber"]),
            time=Seconds(_number(block["timestamp"])),
            succeeded=succeeded,
            gas_used=_number(told["gasUsed"]),
            events=tuple(_event(log) for log in told["logs"]),
            contract=Address(_bytes(created)) if created and succeeded else None,
        )


def _event(log: dict[str, Any]) -> Event:
    topics = tuple(_bytes(topic) for topic in log["topics"])
    return Event(Address(_bytes(log["address"])), topics, _bytes(log["data"]))


def _hex(content: bytes) -> str:
    return "0x" + content.hex()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _number(text: str) -> int:
    return int(text, 16)
