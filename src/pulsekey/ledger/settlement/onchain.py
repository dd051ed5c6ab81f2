"""Anchoring on any chain that has the settlement contract.

The contract decides; this asks, and reads back. The newest link is looked up before each anchor,
because the contract wants to be shown it.
"""

from dataclasses import dataclass

from pulsekey.ledger.ports import Anchored
from pulsekey.ledger.settlement.contract import (
    EMPTY,
    NO_LINK,
    Link,
    accumulator_call,
    anchor_call,
    anchored_from,
    revert_reason,
    topic,
)
from pulsekey.ledger.settlement.ports import Address, Chain
from pulsekey.primitives.clock import Clock, seconds
from pulsekey.primitives.errors import Conflict, IntegrityError, Unavailable
from pulsekey.primitives.ids import Digest


@dataclass(frozen=True, slots=True)
class OnChainSettlement:
    """Implements the ledger's `Settlement` port. Trusted as far as `chain` is."""

    name: str
    """What `Anchored.chain` says: which kind of chain, its id, the contract."""
    chain: Chain
    contract: Address
    proposer: Address
    clock: Clock

    def anchor(self, head: Digest, batch: int) -> Anchored:
        """Put a head on the chain. Raises `Conflict` if a later or another one is there."""
        latest = self._latest()
        link = NO_LINK if latest is None else latest[1]
        if latest is not None and (link.head, link.batch) == (head, batch):
            return latest[0]
        call, now = anchor_call(batch, head, link), seconds(self.clock.now())
        refused = self.chain.call(self.proposer, self.contract, call, now)
        if not refused.succeeded:
            raise Conflict(f"the chain refuses this anchor: {revert_reason(refused.output)}")
        receipt = self.chain.transact(self.proposer, self.contract, call, now)
        if not receipt.succeeded:
            raise Unavailable("the anchor was overtaken; ask again")
        anchored = self.latest()
        if anchored is None or anchored.head != head:
            raise IntegrityError("the chain took an anchor and shows another")
        return anchored

    def latest(self) -> Anchored | None:
        """Return the newest anchor, or None before the first."""
        found = self._latest()
        return None if found is None else found[0]

    def _latest(self) -> tuple[Anchored, Link] | None:
        now = seconds(self.clock.now())
        answer = self.chain.call(self.proposer, self.contract, accumulator_call(), now)
        if not answer.succeeded or len(answer.output) != len(EMPTY):
            raise IntegrityError("there is no settlement contract at this address")
        if answer.output == EMPTY:
            return None
        filters = (topic("Anchored"), None, answer.output)
        found = self.chain.events(self.contract, filters)
        if len(found) != 1:
            raise IntegrityError("the chain does not show the event of its newest anchor")
        receipt, event = found[0]
        link = anchored_from(event)
        anchored = Anchored(
            self.name, receipt.block, receipt.time, link.head, Digest(answer.output)
        )
        return anchored, link
