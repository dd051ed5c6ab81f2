"""Write the golden cases anew: `python -m vectors.generate`. A change must be meant.

Everything is drawn from fixed seeds and signed deterministically (RFC 6979), so running this twice
gives the same bytes. `chromium-assertions.json` was recorded from a browser: it is not written.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from pulsekey.consent.operations import (
    AddKey,
    Body,
    Capability,
    Commit,
    Grant,
    Operation,
    RemoveKey,
    Revoke,
    RevokeAll,
    challenge,
    registration,
)
from pulsekey.consent.program import ABSENT, Refusal, apply, keys
from pulsekey.consent.state import account_slot, commitment_slot, grant_slot, key_slot
from pulsekey.ledger.encoding import encode_head, encode_step, head_digest
from pulsekey.ledger.ports import Head, Step
from pulsekey.ledger.settlement.contract import EMPTY, Link, direct_ledger
from pulsekey.ledger.settlement.ports import Address
from pulsekey.primitives import canonical, tags
from pulsekey.primitives.clock import Seconds
from pulsekey.primitives.hashing import digest, merkle_root, tagged
from pulsekey.primitives.ids import ConsentId, Digest, KeyId, LedgerId
from tests.fakes.software_authenticator import Signer
from vectors.reading import FOLDER, Case

LEDGER = LedgerId(digest(b"vector ledger"))
PHONE, TABLET, SERVER = (
    Signer("vector phone"),
    Signer("vector tablet"),
    Signer("server", plain=True),
)
CONSENT = ConsentId(digest(b"vector consent"))
NOW = Seconds(1_000)


def domain_tags() -> Iterable[Case]:
    for name, tag in sorted(vars(tags).items()):
        if isinstance(tag, bytes):
            yield {"name": name, "tag": tag.hex(), "over_nothing": tagged(tags.Tag(tag)).hex()}


def canonical_documents() -> Iterable[Case]:
    documents: dict[str, canonical.Document] = {
        "empty": {},
        "sorted": {"b": 1, "a": [True, False, None], "B": -5},
        "text": {"text": 'quote " slash \\ tab \t line \n end, ünï 心率 \U0001f642'},
        "integers": [0, -0, 2**53 - 1, -(2**53) + 1],
        "nested": {"a": {"b": {"c": []}}},
    }
    for name, document in documents.items():
        content = canonical.encode(document)
        yield {"name": name, "bytes": content.hex(), "sha256": digest(content).hex()}


def merkle_trees() -> Iterable[Case]:
    for size in (0, 1, 2, 3, 5, 8, 13):
        leaves = [bytes([place]) * place for place in range(size)]
        root = merkle_root(leaves).hex()
        yield {"name": f"{size}-leaves", "leaves": [leaf.hex() for leaf in leaves], "root": root}


def bodies() -> dict[str, Body]:
    return {
        "add_key": AddKey(TABLET.record(Capability.CONSENT | Capability.REVOKE, Seconds(5_000))),
        "add_key-plain": AddKey(SERVER.record(Capability.COMMIT)),
        "remove_key": RemoveKey(TABLET.record().key_id),
        "grant": Grant(CONSENT, Seconds(900), Seconds(2_000), Seconds(1_100)),
        "revoke": Revoke(CONSENT),
        "revoke_all": RevokeAll(),
        "commit": Commit(digest(b"vector root"), 7),
    }


def operations() -> Iterable[Case]:
    first = registration(PHONE.record(), digest(b"vector salt"))
    named = {"register": first} | {
        name: Operation(first.account, 2, first.signer, body) for name, body in bodies().items()
    }
    for name, operation in named.items():
        content = operation.encode()
        signed = PHONE.sign(LEDGER, operation)
        yield {
            "name": name,
            "kind": int(operation.body.kind),
            "account": operation.account.hex(),
            "nonce": operation.nonce,
            "signer": operation.signer.hex(),
            "operation": content.hex(),
            "ledger": LEDGER.hex(),
            "challenge": challenge(LEDGER, content).hex(),
            "signed": signed.hex(),
            "signed_digest": tagged(tags.OPERATION, signed).hex(),
            "keys": [key.hex() for key in keys(signed)],
        }


def identifiers() -> Iterable[Case]:
    for signer in (PHONE, TABLET, SERVER):
        record = signer.record()
        first = registration(record, digest(b"vector salt"))
        yield {
            "name": signer.seed,
            "scheme": int(record.scheme),
            "x": record.key.x.hex(),
            "y": record.key.y.hex(),
            "rp_id_hash": record.rp_id_hash.hex(),
            "capabilities": record.capabilities,
            "expires": str(record.expires),
            "salt": digest(b"vector salt").hex(),
            "consent": CONSENT.hex(),
            "key_id": record.key_id.hex(),
            "account": first.account.hex(),
            "account_slot": account_slot(first.account).hex(),
            "key_slot": key_slot(first.account, record.key_id).hex(),
            "grant_slot": grant_slot(first.account, CONSENT).hex(),
            "commitment_slot": commitment_slot(first.account).hex(),
        }


def transitions() -> Iterable[Case]:
    """One ledger's life in order: each case starts from what those before it left behind."""
    state: dict[bytes, bytes] = {}
    first = registration(PHONE.record(0x3F), digest(b"vector salt"))
    tablet = TABLET.record(Capability.CONSENT, Seconds(5_000))
    other = ConsentId(digest(b"other consent"))

    def act(nonce: int, body: Body, signer: Signer = PHONE) -> bytes:
        operation = Operation(first.account, nonce, signer.record().key_id, body)
        return signer.sign(LEDGER, operation)

    def grant(consent: ConsentId, until: int = 2_000, include_by: int = 1_100) -> Grant:
        return Grant(consent, Seconds(900), Seconds(until), Seconds(include_by))

    whole = PHONE.sign(LEDGER, first)
    elsewhere = PHONE.sign(LedgerId(bytes(32)), first)
    stolen = Operation(first.account, 1, TABLET.record().key_id, first.body)
    mixed = act(2, RevokeAll())[:76] + TABLET.sign(LEDGER, first)[-200:]
    whose = Operation(first.account, 2, first.signer, RevokeAll())
    story: list[tuple[str, bytes, int]] = [
        ("not registered yet", act(2, grant(CONSENT)), NOW),
        ("cut off", whole[:-1], NOW),
        ("parts of two operations", mixed, NOW),
        ("signed for another ledger", elsewhere, NOW),
        ("another's registration", TABLET.sign(LEDGER, stolen), NOW),
        ("another's witness", TABLET.sign(LEDGER, whose), NOW),
        ("register", whole, NOW),
        ("register again", whole, NOW),
        ("grant", act(2, grant(CONSENT)), NOW),
        ("the same bytes again", act(2, grant(CONSENT)), NOW),
        ("the same consent again", act(3, grant(CONSENT)), NOW),
        ("a nonce too far", act(2**33, RevokeAll()), NOW),
        ("included too late", act(3, grant(other)), 1_101),
        ("over already", act(3, grant(other, until=950)), NOW),
        ("an unknown key", act(3, grant(other), TABLET), NOW),
        ("add a key", act(3, AddKey(tablet)), NOW),
        ("add it again", act(4, AddKey(tablet)), NOW),
        ("no capability", act(4, RevokeAll(), TABLET), NOW),
        ("the new key consents", act(4, grant(other), TABLET), NOW),
        ("the new key has expired", act(5, RevokeAll(), TABLET), 5_000),
        ("remove oneself", act(5, RemoveKey(first.signer)), NOW),
        ("remove a key that is none", act(5, RemoveKey(KeyId(bytes(32)))), NOW),
        ("remove the new key", act(5, RemoveKey(tablet.key_id)), NOW),
        ("the removed key signs", act(6, grant(other), TABLET), NOW),
        ("more power than one has", act(6, AddKey(SERVER.record(0x40))), NOW),
        ("a key that is over", act(6, AddKey(SERVER.record(1, NOW))), NOW),
        ("revoke", act(6, Revoke(CONSENT)), NOW),
        ("revoke what never was", act(7, Revoke(ConsentId(bytes(32)))), NOW),
        ("revoke all", act(8, RevokeAll()), NOW),
        ("commit to nothing", act(9, Commit(Digest(bytes(32)), 1)), NOW),
        ("commit", act(9, Commit(digest(b"vector root"), 1)), NOW),
    ]
    for name, signed, time in story:
        outcome = apply(state, LEDGER, signed, Seconds(time))
        known = outcome.code not in range(1, 5)
        before = {key.hex(): state.get(key, ABSENT).hex() for key in keys(signed)} if known else {}
        state.update(outcome.writes)
        yield {
            "name": name,
            "ledger": LEDGER.hex(),
            "signed": signed.hex(),
            "time": time,
            "before": before,
            "code": int(outcome.code),
            "refusal": Refusal(outcome.code).name if outcome.code else None,
            "writes": [[key.hex(), value.hex()] for key, value in outcome.writes],
        }


def settlement() -> Iterable[Case]:
    contract, head = Address(digest(b"vector contract")[:20]), digest(b"vector head")
    ledger = direct_ledger(31_337, contract).hex()
    link = Link(EMPTY, 1, head)
    for name, each in (("first", link), ("next", Link(link.accumulator, 9, digest(head)))):
        yield {
            "name": name,
            "chain_id": 31_337,
            "contract": contract.hex(),
            "direct_ledger": ledger,
            "previous": each.previous.hex(),
            "batch": each.batch,
            "head": each.head.hex(),
            "accumulator": each.accumulator.hex(),
        }


def steps_and_heads() -> Iterable[Case]:
    one, two, three, four = (digest(bytes([n])) for n in range(4))
    step = Step(3, 1, NOW, one, 32, two, three)
    head = Head(LEDGER, 3, NOW, two, 17, three, four, one)
    fields = {"operation": one.hex(), "pre": two.hex(), "post": three.hex(), "code": 32}
    yield {"name": "step", "batch": 3, "index": 1, "time": NOW, **fields} | {
        "bytes": encode_step(step).hex()
    }
    yield {
        "name": "head",
        "ledger": LEDGER.hex(),
        "batch": 3,
        "time": NOW,
        "state_root": two.hex(),
        "log_size": 17,
        "log_root": three.hex(),
        "availability": four.hex(),
        "parent": one.hex(),
        "bytes": encode_head(head).hex(),
        "digest": head_digest(head).hex(),
    }


FILES = {
    "domain-tags": (domain_tags, "The 32 bytes that each kind of hash starts with."),
    "canonical-json": (canonical_documents, "Documents in their one form, and its SHA-256."),
    "merkle-trees": (merkle_trees, "RFC 9162 tree hashes."),
    "identifiers": (identifiers, "Key ids, accounts and state keys, from what they commit to."),
    "operations": (operations, "Every kind of operation: bytes, challenge, signed, state keys."),
    "transitions": (transitions, "One ledger's life: what each operation does, or its refusal."),
    "settlement": (settlement, "Links of the anchor chain, and the id of a direct ledger."),
    "steps-and-heads": (steps_and_heads, "A log leaf and a head."),
}


def render(name: str) -> str:
    """Return the text of one file."""
    for signer in (PHONE, TABLET):
        signer.passkey.sign_count = 0  # Each file stands for itself.
    make, about = FILES[name]
    content = {"about": about, "cases": list(make())}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def main(folder: Path = FOLDER) -> None:
    """Write every file."""
    for name in FILES:
        (folder / f"{name}.json").write_text(render(name), "utf-8")


if __name__ == "__main__":
    main()
