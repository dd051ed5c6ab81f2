"""The RPC adapter says what an endpoint said, waits for receipts, and never guesses an outcome."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from pulsekey.adapters.evm_rpc.chain import RECEIPT_POLLS_MAX, RpcChain, RpcError
from pulsekey.ledger.settlement.ports import Address, Answer
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import MalformedInput, Unavailable

SENDER, PLACE = Address(b"s" * 20), Address(b"p" * 20)
Reply = Callable[[str, list[Any]], dict[str, Any]]
RECEIPT = {
    "blockNumber": "0x7",
    "status": "0x1",
    "gasUsed": "0x5208",
    "contractAddress": None,
    "logs": [{"address": "0x" + PLACE.hex(), "topics": ["0x" + "11" * 32], "data": "0xabcd"}],
}


class Endpoint:
    """Answers on a port of this machine as the test says."""

    def __init__(self) -> None:
        self.reply: Reply = lambda _method, _parameters: {"result": None}
        self.asked: list[tuple[str, list[Any]]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                question = json.loads(self.rfile.read(int(self.headers["content-length"])))
                endpoint.asked.append((question["method"], question["params"]))
                told = endpoint.reply(question["method"], question["params"])
                content = told["raw"] if "raw" in told else json.dumps(told).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/key"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint()
    yield served
    served.close()


@pytest.fixture
def chain(endpoint: Endpoint) -> Iterator[RpcChain]:
    opened = RpcChain(endpoint.url, lambda _seconds: None)
    yield opened
    opened.close()


def test_a_receipt_is_waited_for(endpoint: Endpoint, chain: RpcChain) -> None:
    polls = iter([None, None, RECEIPT])
    answers: dict[str, Callable[[], object]] = {
        "eth_sendTransaction": lambda: "0xaa",
        "eth_getTransactionReceipt": lambda: next(polls),
        "eth_getBlockByNumber": lambda: {"timestamp": "0x3e8"},
    }
    endpoint.reply = lambda method, _: {"result": answers[method]()}
    receipt = chain.transact(SENDER, PLACE, b"data", Seconds(1))
    assert (receipt.block, receipt.time, receipt.gas_used) == (7, 1_000, 21_000)
    assert receipt.succeeded
    assert receipt.events[0].data == b"\xab\xcd"
    assert endpoint.asked[0][1][0]["data"] == "0x" + b"data".hex()


def test_a_transaction_without_a_receipt_has_an_unknown_outcome(
    endpoint: Endpoint, chain: RpcChain
) -> None:
    endpoint.reply = lambda method, _: {"result": "0xaa" if "send" in method else None}
    with pytest.raises(Unavailable, match="outcome is unknown"):
        chain.deploy(SENDER, b"code", Seconds(1))
    assert len(endpoint.asked) == 1 + RECEIPT_POLLS_MAX


def test_a_reverted_call_is_an_answer(endpoint: Endpoint, chain: RpcChain) -> None:
    error = {"code": 3, "message": "execution reverted", "data": "0x08c379a0"}
    endpoint.reply = lambda _method, _: {"error": error}
    assert chain.call(SENDER, PLACE, b"", Seconds(1)) == Answer(False, b"\x08\xc3\x79\xa0")


def test_another_error_is_an_error(endpoint: Endpoint, chain: RpcChain) -> None:
    endpoint.reply = lambda _method, _: {"error": {"code": -32601, "message": "no such method"}}
    with pytest.raises(RpcError, match="no such method"):
        chain.call(SENDER, PLACE, b"", Seconds(1))


def test_an_endpoint_that_talks_nonsense_is_unavailable(
    endpoint: Endpoint, chain: RpcChain
) -> None:
    endpoint.reply = lambda _method, _: {"raw": b"<html>"}
    with pytest.raises(Unavailable, match="did not answer"):
        chain.code(PLACE)


def test_an_endpoint_that_is_not_there_is_unavailable() -> None:
    gone = Endpoint()
    url = gone.url
    gone.close()
    with pytest.raises(Unavailable):
        _ = RpcChain(url).chain_id


@pytest.mark.parametrize("url", ["ftp://host", "host:8545", "http://"])
def test_an_address_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(MalformedInput):
        RpcChain(url)
