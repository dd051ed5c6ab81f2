# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Settlement
@notice Makes a ledger's heads final, and executes operations directly as a ledger of its own.
        Holds no health data: slots are salted hashes, pairwise keys, nonces and times.
@dev    Anchors form a SHA-256 hash chain in one slot; whoever anchors shows the last link, so no
        second slot is needed. Direct execution is pulsekey.consent.program on `slots`; the step is
        the event. Deploying fails where P256VERIFY is missing. Disputes and forced operations will be
        added beside these functions: a step names its operation and its code as a log leaf does.
"""


import program
import webauthn


ANCHOR_CHAIN: constant(bytes32) = 0x70756c73656b65792f616e63686f722d636861696e2f31000000000000000000
DIRECT_LEDGER: constant(bytes32) = 0x70756c73656b65792f6469726563742d6c65646765722f310000000000000000
SIGNED_OPERATION: constant(bytes32) = 0x70756c73656b65792f7369676e65642d6f7065726174696f6e2f310000000000


struct Link:
    previous: bytes32
    batch: uint64
    head: bytes32


event Anchored:
    head: indexed(bytes32)
    accumulator: indexed(bytes32)
    batch: uint64
    previous: bytes32


event Step:
    operation: indexed(bytes32)
    account: indexed(bytes32)
    code: uint256


PROPOSER: public(immutable(address))

# @dev The hash chain over all anchors. Zero before the first.
accumulator: public(bytes32)

# @dev The state of the direct ledger: 32-byte keys to 32-byte values, zero where nothing was written.
slots: public(HashMap[bytes32, bytes32])


@deploy
def __init__(proposer: address):
    """
    @param proposer Who may anchor. Anyone may execute operations: their signatures speak.
    """
    assert proposer != empty(address), "settlement: no proposer"
    assert webauthn.works(), "settlement: no P256VERIFY here"
    PROPOSER = proposer


@external
def anchor(batch: uint64, head: bytes32, last: Link) -> bytes32:
    """
    @notice Put a head on this chain. Repeating the last one changes nothing.
    @param batch The number of the batch that the head closes; it rises.
    @param head The head's digest.
    @param last The newest link, all zero before the first.
    @return The hash chain after it.
    """
    assert msg.sender == PROPOSER, "settlement: not the proposer"
    before: bytes32 = self.accumulator
    if before == empty(bytes32):
        assert last.previous == before and last.batch == 0 and last.head == before, (
            "settlement: not the last anchor"
        )
    else:
        assert self._chain(last.previous, last.batch, last.head) == before, (
            "settlement: not the last anchor"
        )
        if batch == last.batch and head == last.head:
            return before
        assert batch > last.batch, "settlement: batch does not rise"
    after: bytes32 = self._chain(before, batch, head)
    self.accumulator = after
    log Anchored(head=head, accumulator=after, batch=batch, previous=before)
    return after


@external
def execute(signed: Bytes[program.SIGNED_MAX]) -> uint256:
    """
    @notice Execute one operation on this contract's own ledger.
    @dev    An operation that is not admissible leaves no step, a refused one leaves its code.
    @param signed The signed operation. More than 1,149 bytes do not pass the ABI's decoder.
    @return Zero, or the refusal's code.
    """
    code: uint256 = program.examine(self._ledger(), signed)
    if code != program.EXECUTED:
        return code
    operation: program.Operation = program.read(signed)
    keys: bytes32[program.SLOTS] = program.keys(operation)
    before: bytes32[program.SLOTS] = [self.slots[keys[0]], self.slots[keys[1]], empty(bytes32)]
    if keys[2] != empty(bytes32):
        before[2] = self.slots[keys[2]]
    after: bytes32[program.SLOTS] = before
    code, after = program.transition(before, operation, block.timestamp)
    for i: uint256 in range(program.SLOTS):
        if after[i] != before[i]:
            self.slots[keys[i]] = after[i]
    log Step(
        operation=sha256(concat(SIGNED_OPERATION, signed)),
        account=operation.account,
        code=code,
    )
    return code


@external
@view
def examine(signed: Bytes[program.SIGNED_MAX]) -> uint256:
    """
    @notice Judge bytes by themselves: zero if this ledger would execute or refuse them with a step.
    """
    return program.examine(self._ledger(), signed)


@external
@view
def ledger() -> bytes32:
    """
    @notice The id of the direct ledger, which every operation for it is signed for.
    """
    return self._ledger()


@internal
@view
def _ledger() -> bytes32:
    # Not kept from the constructor: if the chain splits, its halves are two ledgers.
    return sha256(concat(DIRECT_LEDGER, convert(chain.id, bytes32), convert(self, bytes20)))


@internal
@pure
def _chain(previous: bytes32, batch: uint64, head: bytes32) -> bytes32:
    return sha256(concat(ANCHOR_CHAIN, previous, convert(batch, bytes8), head))
