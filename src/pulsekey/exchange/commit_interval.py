"""Use case: the custodian commits to one root over all its manifests and access logs.

Afterwards nobody, the custodian included, can change, backdate or leave out what was kept or read
before that point without contradicting its own signature on the ledger.
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
from pulsekey.evidence.entries import accesses_head
from pulsekey.exchange.node_keys import NodeKeys
from pulsekey.ledger.pipeline import Ledger
from pulsekey.ledger.ports import Step
from pulsekey.primitives import tags
from pulsekey.primitives.clock import Clock, seconds
from pulsekey.primitives.errors import NotFound
from pulsekey.primitives.hashing import tagged
from pulsekey.primitives.ids import AccountId, Digest, PatientId
from pulsekey.vault.manifest import CustodianTree, PatientHead, custodian_root
from pulsekey.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Commitment:
    """A root that is on the ledger, with the tree under it."""

    step: Step
    signed: bytes
    tree: CustodianTree
    heads: tuple[PatientHead, ...]


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
            heads = tuple(self._heads())
            if not heads:
                return None
            tree = custodian_root(heads)
            if afresh or self.newest is None or self.newest.tree.root != tree.root:
                body = Commit(tree.root, seconds(self.clock.now()))
                step, signed = self._send(body)
                self.newest = Commitment(step, signed, tree, heads)
            return self.newest

    def _heads(self) -> list[PatientHead]:
        heads = []
        for patient in sorted({*self.vault.patients(), *self.accesses.patients()}):
            try:
                manifest = self.vault.manifest_head(patient)
            except NotFound:
                continue  # Erased: nothing of them is kept, so nothing is committed to.
            heads.append(
                PatientHead(
                    patient, manifest.salt, manifest.size, manifest.root, self._accesses(patient)
                )
            )
        return heads

    def _accesses(self, patient: PatientId) -> Digest:
        return accesses_head(self.accesses.heads(patient))

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
