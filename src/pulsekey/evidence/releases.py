"""What was released under a consent, and that nothing was left out.

The chain shows that no entry inside it is missing, the custodian's commitment on the ledger where
it ended, and a reader's receipt that it did not end earlier than it did.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from itertools import pairwise

from pulsekey.consent.operations import key_id
from pulsekey.consent.terms import Terms
from pulsekey.evidence import shapes
from pulsekey.evidence.entries import START, Basis, Entry, accesses_head, consent_chain
from pulsekey.evidence.file import Releases
from pulsekey.evidence.receipts import ReadReceipt, read_receipt, verify_receipt
from pulsekey.evidence.replay import Story
from pulsekey.ledger.genesis import Genesis
from pulsekey.primitives.assertion import PublicKey
from pulsekey.primitives.canonical import Document
from pulsekey.primitives.clock import Micros, Seconds, seconds
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.ids import KeyId
from pulsekey.vault.manifest import PatientHead, is_included, patient_leaf

SKEW_SECONDS = 1
"""A batch has the second in which it was closed; a read decided in that moment may say the next."""

RECEIPT_BYTES_MAX = 4_096
RECEIPTS_MAX = 10_000


def check_chain(terms: Terms, story: Story, releases: Releases) -> None:
    """Check that the entries are one chain from the first, each within the terms."""
    _, given = story.granted
    previous, chain = START, consent_chain(terms.consent)
    for expected, entry in enumerate(releases.entries, start=1):
        if (entry.counter, entry.previous, entry.access.chain) != (expected, previous, chain):
            raise IntegrityError(f"the access chain breaks at entry {expected}")
        previous = entry.digest
        _check_access(terms, given.time, entry)


def _check_access(terms: Terms, given: Seconds, entry: Entry) -> None:
    access = entry.access
    if (access.patient, access.reader) != (terms.subject, terms.recipient.id):
        raise IntegrityError(f"release {entry.counter} is of another patient or to another reader")
    if access.basis is not Basis.CONSENT or access.purpose != terms.purpose:
        raise IntegrityError(f"release {entry.counter} is not what was consented to")
    at = seconds(access.at)
    if at + SKEW_SECONDS < given or not terms.valid_from <= at < terms.valid_until:
        raise IntegrityError(f"release {entry.counter} is outside of the time consented to")


def check_commitment(genesis: Genesis, terms: Terms, story: Story, releases: Releases) -> None:
    """Check that the custodian of the genesis committed to this chain's end, on the ledger."""
    operation, commit, _ = story.committed
    if (operation.account, operation.signer) != (genesis.custodian_account, _custodian(genesis)):
        raise IntegrityError("the commitment is not this ledger's custodian's")
    names = [chain for chain, _, _ in releases.chains]
    if any(later <= earlier for earlier, later in pairwise(names)):
        raise IntegrityError("the patient's chains are not in order")
    newest = {chain: (counter, entry) for chain, counter, entry in releases.chains}
    entries = releases.entries
    ours = (len(entries), entries[-1].digest) if entries else None
    if newest.get(consent_chain(terms.consent)) != ours:
        raise IntegrityError("the access chain does not end where the custodian committed to it")
    leaf = patient_leaf(
        PatientHead(
            terms.subject,
            releases.salt,
            releases.size,
            releases.manifest,
            accesses_head(releases.chains),
        )
    )
    if not is_included(leaf, releases.place, releases.count, releases.inclusion, commit.root):
        raise IntegrityError("the custodian did not commit to this access log")


def check_receipts(
    genesis: Genesis, story: Story, releases: Releases, given: Sequence[bytes]
) -> tuple[str, ...]:
    """Compare read receipts with the chain; say what they show, raise `IntegrityError` if not."""
    if len(given) > RECEIPTS_MAX:
        raise MalformedInput(f"more than {RECEIPTS_MAX} receipts were given")
    grant, _ = story.granted
    _, _, committed = story.committed
    fitting = later = 0
    for content in given:
        receipt = read_given(content)
        verify_receipt(receipt, genesis.checkpoint_key)
        if receipt.ledger != genesis.ledger or receipt.chain != consent_chain(grant.consent):
            raise MalformedInput("a receipt is about another consent")
        if receipt.counter > len(releases.entries):
            if seconds(Micros(receipt.at)) + SKEW_SECONDS < committed.time:
                raise IntegrityError(
                    f"misconduct: a reader holds receipt {receipt.counter}, and the chain was cut"
                    f" off after entry {len(releases.entries)}"
                )
            later += 1
        elif receipt.entry != releases.entries[receipt.counter - 1].digest:
            raise IntegrityError(
                f"misconduct: a reader holds a receipt for another entry {receipt.counter}"
            )
        else:
            fitting += 1
    words = ((fitting, "agree"), (later, "later than this file, which does not cover them"))
    return tuple(f"{count} receipts: {word}" for count, word in words if count)


def read_given(content: bytes) -> ReadReceipt:
    """Read a receipt as a reader keeps it: its JSON, or base64url of it as in the HTTP header."""
    if len(content) > RECEIPT_BYTES_MAX:
        raise MalformedInput(f"longer than {RECEIPT_BYTES_MAX} bytes", where="read receipt")
    text = content.strip()
    try:
        if not text.startswith(b"{"):
            text = base64.b64decode(text, altchars=b"-_", validate=True)
        document: Document = json.loads(text.decode())
    except (ValueError, RecursionError, binascii.Error):
        document = None
    if not shapes.RECEIPT(document):
        raise MalformedInput("not a read receipt", where="read receipt")
    return read_receipt(document)


def _custodian(genesis: Genesis) -> KeyId:
    raw = genesis.custodian_key
    return key_id(raw[96], PublicKey(raw[:32], raw[32:64]), raw[64:96])
