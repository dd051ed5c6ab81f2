"""What every call of the contract costs, kept in `contracts/gas.json` and explained there.

`PULSEKEY_WRITE_GAS=1` writes the table anew; a change must be meant.
"""

import json
import os
from pathlib import Path

from pulsekey.ledger.settlement import contract
from pulsekey.ledger.settlement.ports import TRANSACTION_GAS_MAX
from pulsekey.primitives.clock import Seconds
from tests.contracts.direct_ledger import CHAIN_ID, PROPOSER, deployed
from tests.contracts.gas_story import story

TABLE = Path(__file__).parents[2] / "contracts" / "gas.json"
BASE = 21_000


def measured() -> dict[str, dict[str, int]]:
    engine, place = deployed()
    code = contract.initcode(PROPOSER)
    receipt = engine.deploy(PROPOSER, code, Seconds(1_000))
    table = {"deploy": {"gas": receipt.gas_used, "calldata_bytes": len(code)}}
    for call in story(contract.direct_ledger(CHAIN_ID, place)):
        zeros = call.data.count(0)
        calldata = 4 * zeros + 16 * (len(call.data) - zeros)
        gas = engine.transact(call.sender, place, call.data, call.at).gas_used
        table[call.name] = {
            "gas": gas,
            "calldata_bytes": len(call.data),
            "calldata_gas": calldata,
            "execution_gas": gas - BASE - calldata,
        }
    return table


def test_gas_is_what_the_table_says() -> None:
    found = measured()
    if os.environ.get("PULSEKEY_WRITE_GAS") == "1":
        kept = json.loads(TABLE.read_text("utf-8")) if TABLE.is_file() else {}
        kept["calls"] = {
            name: {**figures, "why": kept.get("calls", {}).get(name, {}).get("why", "")}
            for name, figures in found.items()
        }
        TABLE.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    kept = json.loads(TABLE.read_text("utf-8"))["calls"]
    assert {
        name: {key: value for key, value in row.items() if key != "why"}
        for name, row in kept.items()
    } == found


def test_every_figure_is_explained_and_fits_into_a_transaction() -> None:
    for name, row in json.loads(TABLE.read_text("utf-8"))["calls"].items():
        assert row["why"], name
        assert row["gas"] < TRANSACTION_GAS_MAX
