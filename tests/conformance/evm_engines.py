"""The engines that the conformance suite runs over: the embedded one, the oracle, and anvil."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pulsekey.adapters.evm_rpc.chain import RpcChain
from pulsekey.adapters.pyevm.engine import PyEvm
from pulsekey.ledger.settlement.ports import Address, Answer, Event, Evm, Receipt
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.errors import Unavailable

ROOT = Path(__file__).parents[2]
ORACLE_PYTHON = ROOT / ".venv-evm" / "bin" / "python"
ORACLE = ROOT / "contracts" / "oracle.py"
ANVIL_PACKAGE = "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
START_SECONDS_MAX = 20.0


class OracleEvm:
    """The executable specification, spoken to over pipes."""

    def __init__(self, process: "subprocess.Popen[str]", chain_id: int) -> None:
        self._process = process
        self._chain_id = chain_id

    @property
    def chain_id(self) -> int:
        return self._chain_id

    def deploy(self, sender: Address, code: bytes, at: Seconds) -> Receipt:
        return self._receipt("transact", sender, None, code, at)

    def transact(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Receipt:
        return self._receipt("transact", sender, to, data, at)

    def call(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Answer:
        told = self._ask(do="call", sender=sender.hex(), to=to.hex(), data=data.hex(), at=at)
        return Answer(told["succeeded"], bytes.fromhex(told["output"]))

    def code(self, contract: Address) -> bytes:
        return bytes.fromhex(self._ask(do="code", to=contract.hex())["code"])

    def _receipt(
        self, do: str, sender: Address, to: Address | None, data: bytes, at: Seconds
    ) -> Receipt:
        target = None if to is None else to.hex()
        told = self._ask(do=do, sender=sender.hex(), to=target, data=data.hex(), at=at)
        unhex = bytes.fromhex
        events = tuple(
            Event(Address(unhex(place)), tuple(unhex(topic) for topic in topics), unhex(content))
            for place, topics, content in told["events"]
        )
        place = None if told["contract"] is None else Address(unhex(told["contract"]))
        return Receipt(told["block"], at, told["succeeded"], told["gas_used"], events, place)

    def _ask(self, **question: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


class AnvilEvm(RpcChain):
    """anvil through the product's own RPC adapter, told which senders to be and what time it is."""

    def deploy(self, sender: Address, code: bytes, at: Seconds) -> Receipt:
        self._prepare(sender, at)
        return super().deploy(sender, code, at)

    def transact(self, sender: Address, to: Address, data: bytes, at: Seconds) -> Receipt:
        self._prepare(sender, at)
        return super().transact(sender, to, data, at)

    def _prepare(self, sender: Address, at: Seconds) -> None:
        name = "0x" + sender.hex()
        self.request("anvil_impersonateAccount", name)
        self.request("anvil_setBalance", name, hex(10**24))
        self.request("evm_setNextBlockTimestamp", at)


@contextlib.contextmanager
def oracle(chain_id: int) -> Iterator[OracleEvm]:
    if not ORACLE_PYTHON.is_file():
        _absent("the executable specification is not installed: make .venv-evm/.ready")
    with subprocess.Popen(
        [ORACLE_PYTHON, ORACLE, str(chain_id)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield OracleEvm(process, chain_id)
        finally:
            process.kill()


@contextlib.contextmanager
def anvil(chain_id: int) -> Iterator[AnvilEvm]:
    program = anvil_program()
    if program is None:
        _absent("anvil is not installed: make ci-tools, or set PULSEKEY_ANVIL")
    port = _free_port()
    options = ["--port", str(port), "--chain-id", str(chain_id), "--hardfork", "osaka", "--silent"]
    options += ["--base-fee", "0", "--gas-price", "0", "--timestamp", "1", "--host", "127.0.0.1"]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:
        chain = AnvilEvm(f"http://127.0.0.1:{port}", lambda _seconds: time.sleep(0.002))
        try:
            _await(chain)
            yield chain
        finally:
            chain.close()
            process.kill()


@contextlib.contextmanager
def embedded(chain_id: int) -> Iterator[Evm]:
    yield PyEvm(chain_id)


ENGINES: dict[str, Callable[[int], AbstractContextManager[Evm]]] = {
    "py-evm": embedded,
    "specification": oracle,
    "anvil": anvil,
}


def anvil_program() -> str | None:
    """Return where anvil is, or None."""
    named = os.environ.get("PULSEKEY_ANVIL")
    if named:
        return named
    packaged = ROOT / ".tools" / ANVIL_PACKAGE
    return str(packaged) if packaged.is_file() else shutil.which("anvil")


def _absent(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _await(chain: RpcChain) -> None:
    limit = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            chain.request("eth_chainId")
        except Unavailable:
            if time.monotonic() > limit:
                raise
            time.sleep(0.02)
        else:
            return
