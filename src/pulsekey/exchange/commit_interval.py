"""Use case: the custodian commits to one root over all its manifests and access logs.

Afterwards nobody, the custodian included, can change, backdate or leave out what was kept or read
before that point without contradicting its own signature on the ledger. What opens a commitment
where a chain of reads ends in it for the first time is kept: nobody can make it later.
"""

import threading
from dataclasses import dataclass, field

from pulsekey.consent.operations import (
    Body,
    Commit,
    Operation,
    SignedOperation,
    challenge,
    registration,
)
from pulsekey.consent.state import account_slot, read_account
from pulsekey.consent.witness import plain_witness
from pulsekey.evidence.access_log import AccessLog
from pulsekey.evidence.entries import Basis, accesses_head, own_chain
from pulsekey.evidence.openings import Chains, Closing, Opening
from pulsekey.exchange.node_keys import NodeKeys
from pulsekey.ledger.pipeline import Ledger
from pulsekey.ledger.ports import Step
from pulsekey.primitives import tags
from pulsekey.primitives.clock import Clock, seconds
from pulsekey.primitives.errors import NotFound
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import AccountId, PatientId
from pulsekey.vault.manifest import CustodianTree, PatientHead, custodian_root
from pulsekey.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Commitment:
    """A root that is on the ledger, with the tree under it."""

    step: Step
    signed: bytes
    tree: CustodianTree
    heads: dict[PatientId, PatientHead]
    chains: dict[PatientId, Chains]

    def opening(self, patient: PatientId) -> Opening:
        """Return what opens it at a patient."""
        head = self.heads[patient]
        return Opening(
            self.chains[patient],
            head.salt,
            head.size,
            head.manifest,
            self.tree.places[patient],
            len(self.tree.leaves),
            self.tree.inclusion(patient),
        )


@dataclass(slots=True)
class CommitInterval:
    vault: Vault
    accesses: AccessLog
    ledger: Ledger
    keys: NodeKeys
    clock: Clock
    newest: Commitment | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, *, afresh: bool = False) -> Commitment | None:
        """Commit if anything changed since the last time; return the newest commitment.

        `afresh` commits even if nothing did, because evidence has to say that nothing did until
        now. None while there is nothing to commit to.
        """
        with self._lock:
            heads, chains = self._heads()
            if not heads:
                return None
            tree = custodian_root(tuple(heads.values()))
            if afresh or self.newest is None or self.newest.tree.root != tree.root:
                body = Commit(tree.root, seconds(self.clock.now()))
                step, signed = self._send(body)
                self.newest = Commitment(step, signed, tree, heads, chains)
                self._close(self.newest)
            return self.newest

    def _close(self, commitment: Commitment) -> None:
        """Keep what opens the commitment at every consent's chain that has grown until it."""
        known = self.accesses.closed()
        closings = []
        for patient, chains in commitment.chains.items():
            own = {own_chain(patient, basis) for basis in Basis}
            grown = [one for one in chains if one[0] not in own and known.get(one[0]) != one[1]]
            opening = commitment.opening(patient) if grown else None
            closings += [
                Closing(chain, patient, counter, commitment.step.index, opening)
                for chain, counter, _ in grown
                if opening is not None
            ]
        if closings:
            self.accesses.close_chains(closings)

    def _heads(self) -> tuple[dict[PatientId, PatientHead], dict[PatientId, Chains]]:
        heads: dict[PatientId, PatientHead] = {}
        opened: dict[PatientId, Chains] = {}
        for patient in sorted({*self.vault.patients(), *self.accesses.patients()}):
            try:
                manifest = self.vault.manifest_head(patient)
            except NotFound:
                continue  # Erased: nothing of them is kept, so nothing is committed to.
            opened[patient] = self.accesses.heads(patient)
            accesses = accesses_head(opened[patient])
            heads[patient] = PatientHead(
                patient, manifest.salt, manifest.size, manifest.root, accesses
            )
        return heads, opened

    def _send(self, body: Body) -> tuple[Step, bytes]:
        account = AccountId(self.ledger.genesis.custodian_account)
        nonce = read_account(self.ledger.executed(account_slot(account))).nonce + 1
        signer = self.keys.commit_record().key_id
        return self._submit(Operation(account, nonce, signer, body))

    def open_account(self) -> None:
        """Register the custodian's account as the genesis names it; repeating changes nothing."""
        genesis = self.ledger.genesis
        account = AccountId(genesis.custodian_account)
        if not read_account(self.ledger.executed(account_slot(account))).registered:
            self._submit(registration(self.keys.commit_record(), account_salt(self.keys)))

    def _submit(self, operation: Operation) -> tuple[Step, bytes]:
        content = operation.encode()
        signature = self.keys.sign_commitment(challenge(self.ledger.genesis.ledger, content))
        signed = SignedOperation(
            content, plain_witness(self.keys.commit_record().key, signature)
        ).encode()
        return self.ledger.submit(signed), signed


def account_salt(keys: NodeKeys) -> bytes:
    """Return the salt of the custodian's account: public, and the same at every start."""
    return tagged(tags.ACCOUNT, keys.public_key())
