"""One account's life and a few anchors: every call of the contract, with fixed bytes and gas."""

from dataclasses import dataclass

from pulsekey.consent.operations import (
    AddKey,
    Body,
    Commit,
    Grant,
    Operation,
    RemoveKey,
    Revoke,
    RevokeAll,
    registration,
)
from pulsekey.consent.program import keys
from pulsekey.ledger.settlement import contract
from pulsekey.ledger.settlement.contract import NO_LINK, Link
from pulsekey.ledger.settlement.ports import Address
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.hashing import digest
from pulsekey.primitives.ids import ConsentId, LedgerId
from tests.contracts.direct_ledger import PROPOSER, STRANGER
from tests.fakes.software_authenticator import Signer

ALL = 0x3F


@dataclass(frozen=True, slots=True)
class Call:
    """A call with a name, and the state keys that it touches."""

    name: str
    sender: Address
    data: bytes
    at: Seconds
    keys: tuple[bytes, ...] = ()


def story(ledger: LedgerId) -> list[Call]:
    """Return the calls in order, one second apart from 1,001 on."""
    patient, tablet = Signer("gas patient"), Signer("gas tablet")
    first = registration(patient.record(ALL), digest(b"salt"))
    one, two, never = (ConsentId(digest(name)) for name in (b"one", b"two", b"never"))
    calls: list[Call] = []

    def put(name: str, operation: Operation, signed_for: LedgerId = ledger) -> None:
        signed = patient.sign(signed_for, operation)
        data, at = contract.execute_call(signed), Seconds(1_001 + len(calls))
        calls.append(Call(name, STRANGER, data, at, keys(signed)))

    def act(name: str, nonce: int, body: Body, signed_for: LedgerId = ledger) -> None:
        put(name, Operation(first.account, nonce, first.signer, body), signed_for)

    def grant(consent: ConsentId, until: int = 2_000_000) -> Grant:
        return Grant(consent, Seconds(900), Seconds(until), Seconds(1_000_000))

    def anchor(name: str, link: Link, last: Link, sender: Address = PROPOSER) -> None:
        data = contract.anchor_call(link.batch, link.head, last)
        calls.append(Call(name, sender, data, Seconds(1_001 + len(calls))))

    put("register", first)
    act("grant, first", 2, grant(one))
    act("grant, another", 3, grant(two))
    act("grant, refused: used", 4, grant(two))
    act("grant, refused: over", 4, grant(never, until=950))
    act("grant, refused: another ledger's", 4, grant(never), LedgerId(bytes(32)))
    act("revoke", 4, Revoke(one))
    act("revoke, never granted", 5, Revoke(never))
    act("revoke_all", 6, RevokeAll())
    act("add_key", 7, AddKey(tablet.record()))
    act("remove_key", 8, RemoveKey(tablet.record().key_id))
    act("commit, first", 9, Commit(digest(b"root 1"), 1))
    act("commit, next", 10, Commit(digest(b"root 2"), 2))
    link = Link(contract.EMPTY, 1, digest(b"head 1"))
    following = Link(link.accumulator, 2, digest(b"head 2"))
    anchor("anchor, first", link, NO_LINK)
    anchor("anchor, repeated", link, link)
    anchor("anchor, next", following, link)
    anchor("anchor, refused: a stranger's", following, link, STRANGER)
    checked = Operation(first.account, 11, first.signer, grant(never))
    examined = contract.examine_call(patient.sign(ledger, checked))
    calls.append(Call("examine", STRANGER, examined, Seconds(1_001 + len(calls))))
    return calls
