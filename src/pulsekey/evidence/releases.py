"""What was released under a consent, and that nothing was left out.

The chain shows that no entry inside it is missing, the custodian's commitments on the ledger where
it ended and since when it did, and a reader's receipt that it did not end earlier than that.
"""

import base64
import binascii
from collections.abc import Sequence
from itertools import pairwise

from pulsekey.consent.operations import key_id
from pulsekey.consent.terms import Terms
from pulsekey.evidence import shapes
from pulsekey.evidence.entries import START, Access, Basis, Entry, bound, consent_chain
from pulsekey.evidence.file import Read, Releases
from pulsekey.evidence.receipts import ReadReceipt, read_receipt, verify_receipt
from pulsekey.evidence.replay import Story
from pulsekey.ledger.genesis import Genesis
from pulsekey.ledger.ports import Step
from pulsekey.primitives import canonical
from pulsekey.primitives.assertion import PublicKey
from pulsekey.primitives.clock import Micros, Seconds, seconds
from pulsekey.primitives.errors import IntegrityError, MalformedInput
from pulsekey.primitives.ids import Digest, KeyId

SKEW_SECONDS = 1
"""A batch has the second in which it was closed; a read decided in that moment may say the next."""

CLOSING_SECONDS_MAX = 4 * 3_600
"""How long after a consent's end its reads may be committed to for the first time. A node commits
every hour; what a later commitment holds could have been added since, and dated back."""

RECEIPT_BYTES_MAX = 4_096
RECEIPTS_MAX = 10_000


def check_chain(terms: Terms, story: Story, releases: Releases) -> tuple[Digest, ...]:
    """Check that the reads are one chain from the first, each within the terms.

    Returns the digest of each entry. Who read whose data, and on what ground, is not in the file:
    an entry that says anything else than the terms do has another digest.
    """
    _, given = story.granted
    closed = story.closed.time
    chain, categories = consent_chain(terms.consent), frozenset(map(str, terms.categories))
    digests: list[Digest] = []
    before = Micros(0)
    for counter, read in enumerate(releases.reads, start=1):
        at = seconds(read.at)
        if read.at < before:
            raise IntegrityError(f"release {counter} is earlier than the one before it")
        if at + SKEW_SECONDS < given.time or not terms.valid_from <= at < terms.valid_until:
            raise IntegrityError(f"release {counter} is outside of the time consented to")
        if at > closed + SKEW_SECONDS:
            raise IntegrityError(f"release {counter} is later than the commitment to it")
        if not (read.asked.categories and categories.issuperset(read.asked.categories)):
            raise IntegrityError(f"release {counter} is of categories that were not consented to")
        if not _within(terms, read):
            raise IntegrityError(f"release {counter} is of a period that was not consented to")
        before = read.at
        access = Access(
            chain,
            terms.subject,
            terms.recipient.id,
            Basis.CONSENT,
            terms.purpose,
            read.at,
            read.asked,
        )
        previous = digests[-1] if digests else START
        digests.append(Entry(access, counter, previous, read.salt).digest)
    return tuple(digests)


def _within(terms: Terms, read: Read) -> bool:
    """Whether what was opened was measured when the terms say, on each side that they bound."""
    first, last = bound(terms.data_from), bound(terms.data_until)
    began, ended = read.asked.data_from, read.asked.data_until
    return (first is None or (began is not None and began >= first)) and (
        last is None or (ended is not None and ended <= last)
    )


def check_commitments(
    genesis: Genesis, terms: Terms, story: Story, releases: Releases, digests: Sequence[Digest]
) -> None:
    """Check that the custodian of the genesis committed to this chain's end, on the ledger.

    In the newest commitment of the file, and in the earlier one, if there is any.
    """
    chain = consent_chain(terms.consent)
    if (releases.closing is None) != (story.closed.index == story.committed[2].index):
        raise IntegrityError("a commitment that nothing opens, or the opening of none")
    for operation, commit, opening in (
        (*story.committed[:2], releases.newest),
        *((*each, releases.closing) for each in story.earlier),
    ):
        assert opening is not None  # Compared with the commitments above.
        if (operation.account, operation.signer) != (
            genesis.custodian_account,
            _custodian(genesis),
        ):
            raise IntegrityError("the commitment is not this ledger's custodian's")
        names = [name for name, _, _ in opening.chains]
        if any(later <= earlier for earlier, later in pairwise(names)):
            raise IntegrityError("the patient's chains are not in order")
        newest = {name: (counter, entry) for name, counter, entry in opening.chains}
        if newest.get(chain) != ((len(digests), digests[-1]) if digests else None):
            raise IntegrityError(
                "the access chain does not end where the custodian committed to it"
            )
        if not opening.opens(terms.subject, commit.root):
            raise IntegrityError("the custodian did not commit to this access log")


def check_stop(story: Story, releases: Releases, stop: Step) -> None:
    """Check that no read is later than the stop, and that none was put in afterwards."""
    for counter, read in enumerate(releases.reads, start=1):
        if seconds(read.at) > stop.time + SKEW_SECONDS:
            raise IntegrityError(f"release {counter} is later than step {stop.index}")
    check_closed(story, releases, stop.time)


def check_closed(story: Story, releases: Releases, end: Seconds) -> None:
    """Check that the reads were committed to before, or soon after, no more were allowed."""
    closed = story.closed.time
    if releases.reads and closed > end + CLOSING_SECONDS_MAX:
        raise IntegrityError(
            f"the reads were first committed to {closed - end} seconds after the end:"
            " too late to show that none was added"
        )


def check_receipts(
    genesis: Genesis,
    terms: Terms,
    story: Story,
    releases: Releases,
    digests: Sequence[Digest],
    given: Sequence[bytes],
) -> tuple[str, ...]:
    """Compare read receipts with the chain; say what they show, raise `IntegrityError` if not."""
    if len(given) > RECEIPTS_MAX:
        raise MalformedInput(f"more than {RECEIPTS_MAX} receipts were given")
    fitting = 0
    for content in given:
        receipt = read_given(content)
        verify_receipt(receipt, genesis.checkpoint_key)
        if receipt.ledger != genesis.ledger or receipt.chain != consent_chain(terms.consent):
            raise MalformedInput("a receipt is about another consent")
        _check_time(terms, story, receipt)
        if receipt.counter > len(digests):
            _check_later(story, receipt, len(digests))
        elif (receipt.entry, receipt.at) != (
            digests[receipt.counter - 1],
            releases.reads[receipt.counter - 1].at,
        ):
            raise IntegrityError(
                f"misconduct: a reader holds a receipt for another entry {receipt.counter}"
            )
        else:
            fitting += 1
    later = len(given) - fitting
    words = ((fitting, "agree"), (later, "later than this file, which does not cover them"))
    return tuple(f"{count} receipts: {word}" for count, word in words if count)


def _check_time(terms: Terms, story: Story, receipt: ReadReceipt) -> None:
    """Check that a receipt is of a time at which the consent let the reader in."""
    at, (_, given), stop = seconds(Micros(receipt.at)), story.granted, story.stopped
    if at + SKEW_SECONDS < given.time or not terms.valid_from <= at < terms.valid_until:
        raise IntegrityError(
            f"misconduct: a reader holds receipt {receipt.counter} for a time outside of the"
            " consent"
        )
    if stop is not None and at > stop.time + SKEW_SECONDS:
        raise IntegrityError(
            f"misconduct: a reader holds receipt {receipt.counter} for a read after the stop"
        )


def _check_later(story: Story, receipt: ReadReceipt, count: int) -> None:
    _, _, committed = story.committed
    if seconds(Micros(receipt.at)) + SKEW_SECONDS < committed.time:
        raise IntegrityError(
            f"misconduct: a reader holds receipt {receipt.counter}, and the chain was cut"
            f" off after entry {count}"
        )


def read_given(content: bytes) -> ReadReceipt:
    """Read a receipt as a reader keeps it: its canonical JSON, or base64url of it with padding.

    One line feed may follow, as editors put it. Nothing else is let pass: a receipt that one
    verifier reads and another does not is worth nothing.
    """
    if len(content) > RECEIPT_BYTES_MAX:
        raise MalformedInput(f"longer than {RECEIPT_BYTES_MAX} bytes", where="read receipt")
    text = content.removesuffix(b"\n")
    try:
        if not text.startswith(b"{"):
            token, text = text, base64.b64decode(text, altchars=b"-_", validate=True)
            text = text if base64.urlsafe_b64encode(text) == token else b""
        document = canonical.decode(text, where="read receipt")
    except (ValueError, binascii.Error, MalformedInput):
        document = None
    if not shapes.RECEIPT(document):
        raise MalformedInput("not a read receipt", where="read receipt")
    return read_receipt(document)


def _custodian(genesis: Genesis) -> KeyId:
    raw = genesis.custodian_key
    return key_id(raw[96], PublicKey(raw[:32], raw[32:64]), raw[64:96])
