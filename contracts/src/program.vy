# pragma version 0.4.3
"""
@title The consent program
@notice What an operation does to 32-byte slots. Holds no state: a ledger hands values in and takes
        values out, so the same code executes directly and re-executes one step as a referee.
@dev    Follows pulsekey.consent.program check by check, in the same order, with the same codes;
        layouts stand in pulsekey.consent.operations and pulsekey.consent.state. Compared operation by
        operation in tests/contracts. Total: no input makes it revert.
"""


import webauthn


# @dev One byte more than a signed operation can have, so that a longer one is seen to be longer.
SIGNED_MAX: constant(uint256) = 1149
SLOTS: constant(uint256) = 3

VERSION: constant(uint256) = 1
ALL_CAPABILITIES: constant(uint256) = 2**6 - 1
ACCOUNT_KEYS_MAX: constant(uint256) = 64
NONCE_STEP_MAX: constant(uint256) = 2**32
BYTE: constant(uint256) = 2**8 - 1
U16: constant(uint256) = 2**16 - 1
U32: constant(uint256) = 2**32 - 1
U64: constant(uint256) = 2**64 - 1

# @dev Domain tags: a name padded with zeros, as in pulsekey.primitives.tags.
KEY: constant(bytes32) = 0x70756c73656b65792f6b65792f31000000000000000000000000000000000000
ACCOUNT: constant(bytes32) = 0x70756c73656b65792f6163636f756e742f310000000000000000000000000000
CHALLENGE: constant(bytes32) = 0x70756c73656b65792f6f7065726174696f6e2d6368616c6c656e67652f310000
STATE_ACCOUNT: constant(bytes32) = 0x70756c73656b65792f73746174652d6163636f756e742f310000000000000000
STATE_KEY: constant(bytes32) = 0x70756c73656b65792f73746174652d6b65792f31000000000000000000000000
STATE_GRANT: constant(bytes32) = 0x70756c73656b65792f73746174652d6772616e742f3100000000000000000000
STATE_COMMITMENT: constant(bytes32) = 0x70756c73656b65792f73746174652d636f6d6d69746d656e742f310000000000

# @dev Kinds of operation, and where a signed operation's parts stand: a length of 2 bytes, then
#      version, kind, account, nonce, signer, body; after the operation the witness.
REGISTER: constant(uint256) = 1
ADD_KEY: constant(uint256) = 2
REMOVE_KEY: constant(uint256) = 3
GRANT: constant(uint256) = 4
REVOKE: constant(uint256) = 5
REVOKE_ALL: constant(uint256) = 6
COMMIT: constant(uint256) = 7

OPERATION: constant(uint256) = 2
ACCOUNT_AT: constant(uint256) = 4
NONCE_AT: constant(uint256) = 36
SIGNER_AT: constant(uint256) = 44
BODY: constant(uint256) = 76
HEADER_BYTES: constant(uint256) = 74
WITNESS_BYTES: constant(uint256) = 161

PLAIN_P256: constant(uint256) = 2

# @dev Capabilities.
CONSENT: constant(uint256) = 1
MAY_REVOKE: constant(uint256) = 2
MANAGE: constant(uint256) = 16
MAY_COMMIT: constant(uint256) = 32

# @dev The last byte of a slot.
ACTIVE: constant(uint256) = 1
REMOVED: constant(uint256) = 2
GRANTED: constant(uint256) = 1
STOPPED: constant(uint256) = 2

# @dev Refusals, numbered as in pulsekey.consent.program.Refusal. Zero means executed.
EXECUTED: constant(uint256) = 0
MALFORMED: constant(uint256) = 1
FOREIGN_WITNESS: constant(uint256) = 2
NOT_ITS_ACCOUNT: constant(uint256) = 3
BAD_SIGNATURE: constant(uint256) = 4
ALREADY_REGISTERED: constant(uint256) = 10
NOT_REGISTERED: constant(uint256) = 11
NONCE_NOT_RISING: constant(uint256) = 12
NONCE_TOO_FAR: constant(uint256) = 13
UNKNOWN_KEY: constant(uint256) = 14
REMOVED_KEY: constant(uint256) = 15
EXPIRED_KEY: constant(uint256) = 16
LACKS_CAPABILITY: constant(uint256) = 17
BAD_CAPABILITIES: constant(uint256) = 20
BAD_EXPIRY: constant(uint256) = 21
KEY_ALREADY_USED: constant(uint256) = 22
TOO_MANY_KEYS: constant(uint256) = 23
SELF_REMOVAL: constant(uint256) = 24
NO_SUCH_KEY: constant(uint256) = 25
INCLUDED_TOO_LATE: constant(uint256) = 30
BAD_PERIOD: constant(uint256) = 31
CONSENT_ALREADY_USED: constant(uint256) = 32
EMPTY_ROOT: constant(uint256) = 40


struct Operation:
    kind: uint256
    account: bytes32
    nonce: uint256
    signer: bytes32
    # The key, consent or root that it is about.
    subject: bytes32
    # What follows the subject, from the top of the word: for a grant valid from, valid until and
    # include by, 8 bytes each; for a key capabilities, 2 bytes, and expiry, 8 bytes.
    rest: uint256


@internal
@view
def examine(ledger: bytes32, signed: Bytes[SIGNED_MAX]) -> uint256:
    """
    @notice Judge bytes by themselves: zero if they are one operation, well formed and well signed.
    @dev    One long function, because every call that takes `signed` would copy it. A number that
            ends at a byte is the low end of the word that ends there.
    """
    if len(signed) < OPERATION + HEADER_BYTES + WITNESS_BYTES + 4:
        return MALFORMED
    start: uint256 = convert(extract32(signed, 0), uint256)
    size: uint256 = start >> 240
    kind: uint256 = (start >> 224) & BYTE
    if (start >> 232) & BYTE != VERSION or size != self._operation_bytes(kind):
        return MALFORMED
    witness: uint256 = OPERATION + size
    data: uint256 = witness + WITNESS_BYTES + 2
    if len(signed) < data + 2:
        return MALFORMED
    scheme: uint256 = convert(extract32(signed, witness - 31), uint256) & BYTE
    rp_id_hash: bytes32 = extract32(signed, witness + 65)
    data_bytes: uint256 = convert(extract32(signed, data - 32), uint256) & U16
    suffix: uint256 = data + data_bytes + 2
    if data_bytes > webauthn.AUTHENTICATOR_DATA_MAX or len(signed) < suffix:
        return MALFORMED
    suffix_bytes: uint256 = convert(extract32(signed, suffix - 32), uint256) & U16
    if suffix_bytes > webauthn.SUFFIX_MAX or len(signed) != suffix + suffix_bytes:
        return MALFORMED
    if not self._is_scheme(scheme):
        return MALFORMED
    if scheme == PLAIN_P256:
        if rp_id_hash != empty(bytes32) or data_bytes != 0 or suffix_bytes != 0:
            return MALFORMED

    signer: bytes32 = extract32(signed, SIGNER_AT)
    if kind == REGISTER or kind == ADD_KEY:
        record_scheme: uint256 = convert(extract32(signed, BODY + 65), uint256) & BYTE
        if not self._is_scheme(record_scheme):
            return MALFORMED
        if record_scheme == PLAIN_P256 and extract32(signed, BODY + 64) != empty(bytes32):
            return MALFORMED
    if kind == REGISTER:
        if extract32(signed, ACCOUNT_AT) != sha256(concat(ACCOUNT, slice(signed, BODY, 139))):
            return NOT_ITS_ACCOUNT
        if signer != sha256(concat(KEY, slice(signed, BODY + 96, 1), slice(signed, BODY, 96))):
            return NOT_ITS_ACCOUNT
    # Scheme, point and relying party stand in the witness in the order in which they are hashed.
    if signer != sha256(concat(KEY, slice(signed, witness, 97))):
        return FOREIGN_WITNESS

    challenge: bytes32 = sha256(concat(CHALLENGE, 0x01, ledger, slice(signed, OPERATION, size)))
    signature: webauthn.Signature = webauthn.Signature(
        r=extract32(signed, witness + 97),
        s=extract32(signed, witness + 129),
        x=extract32(signed, witness + 1),
        y=extract32(signed, witness + 33),
    )
    holds: bool = False
    if scheme == PLAIN_P256:
        holds = webauthn.signature_holds(challenge, signature)
    else:
        holds = webauthn.assertion_holds(
            challenge,
            rp_id_hash,
            convert(slice(signed, data, data_bytes), Bytes[256]),
            convert(slice(signed, suffix, suffix_bytes), Bytes[512]),
            signature,
        )
    return EXECUTED if holds else BAD_SIGNATURE


@internal
@pure
def read(signed: Bytes[SIGNED_MAX]) -> Operation:
    """
    @notice Read an admissible operation. The witness behind it makes every word readable.
    """
    start: uint256 = convert(extract32(signed, 0), uint256)
    operation: Operation = Operation(
        kind=(start >> 224) & BYTE,
        account=extract32(signed, ACCOUNT_AT),
        nonce=convert(extract32(signed, NONCE_AT), uint256) >> 192,
        signer=extract32(signed, SIGNER_AT),
        subject=extract32(signed, BODY),
        rest=convert(extract32(signed, BODY + 32), uint256),
    )
    if operation.kind == REGISTER:
        operation.subject = operation.signer
        operation.rest = convert(extract32(signed, BODY + 97), uint256)
    elif operation.kind == ADD_KEY:
        # A record has its scheme behind the point and the relying party, a key id before them.
        operation.subject = sha256(
            concat(KEY, slice(signed, BODY + 96, 1), slice(signed, BODY, 96))
        )
        operation.rest = convert(extract32(signed, BODY + 97), uint256)
    return operation


@internal
@pure
def keys(operation: Operation) -> bytes32[SLOTS]:
    """
    @notice The state keys of an operation: account, signer's key, and what it is about.
    @dev    The third is empty when the operation is about nothing more.
    """
    kind: uint256 = operation.kind
    about: bytes32 = empty(bytes32)
    if kind == GRANT or kind == REVOKE:
        about = sha256(concat(STATE_GRANT, operation.account, operation.subject))
    elif kind == ADD_KEY or kind == REMOVE_KEY:
        about = sha256(concat(STATE_KEY, operation.account, operation.subject))
    elif kind == COMMIT:
        about = sha256(concat(STATE_COMMITMENT, operation.account))
    return [
        sha256(concat(STATE_ACCOUNT, operation.account)),
        sha256(concat(STATE_KEY, operation.account, operation.signer)),
        about,
    ]


@internal
@pure
def transition(
    values: bytes32[SLOTS], operation: Operation, time: uint256
) -> (uint256, bytes32[SLOTS]):
    """
    @notice Execute an admissible operation on the values of its keys.
    @return Zero and the new values, or a refusal and the old ones.
    """
    account: uint256 = convert(values[0], uint256)
    signer: uint256 = convert(values[1], uint256)
    about: uint256 = convert(values[2], uint256)
    kind: uint256 = operation.kind
    nonce: uint256 = operation.nonce
    used: uint256 = account >> 192
    registered: bool = account & BYTE != 0

    if kind == REGISTER:
        if registered:
            return ALREADY_REGISTERED, values
    elif not registered:
        return NOT_REGISTERED, values
    if nonce <= used:
        return NONCE_NOT_RISING, values
    if nonce - used > NONCE_STEP_MAX:
        return NONCE_TOO_FAR, values

    refusal: uint256 = EXECUTED
    if kind == REGISTER:
        account = (nonce << 192) | (1 << 96) | 1
        refusal, signer = self._first_key(operation.rest, time)
    else:
        refusal = self._refuse_signer(signer, kind, time)
        account = (account & (2**192 - 1)) | (nonce << 192)
    if refusal != EXECUTED:
        return refusal, values

    if kind == ADD_KEY:
        refusal, about = self._add_key(account, signer, about, operation.rest, time)
        account = unsafe_add(account, 1 << 96)
    elif kind == REMOVE_KEY:
        refusal, about = self._remove_key(about, operation.signer == operation.subject)
        account = unsafe_sub(account, 1 << 96)
    elif kind == GRANT:
        refusal, about = self._grant(nonce, about, operation.rest, time)
    elif kind == REVOKE:
        about = self._revoke(nonce, about)
    elif kind == REVOKE_ALL:
        account = (account & ~(U64 << 128)) | (nonce << 128)
    elif kind == COMMIT:
        about = convert(operation.subject, uint256)
        if about == 0:
            refusal = EMPTY_ROOT
    if refusal != EXECUTED:
        return refusal, values
    return EXECUTED, [
        convert(account, bytes32), convert(signer, bytes32), convert(about, bytes32)
    ]


@internal
@pure
def _operation_bytes(kind: uint256) -> uint256:
    if kind == GRANT:
        return HEADER_BYTES + 56
    if kind == REVOKE or kind == REMOVE_KEY:
        return HEADER_BYTES + 32
    if kind == REVOKE_ALL:
        return HEADER_BYTES
    if kind == REGISTER:
        return HEADER_BYTES + 139
    if kind == ADD_KEY:
        return HEADER_BYTES + 107
    if kind == COMMIT:
        return HEADER_BYTES + 40
    # No operation has this length, because no length of two bytes is as much.
    return max_value(uint256)


@internal
@pure
def _is_scheme(scheme: uint256) -> bool:
    return scheme == 1 or scheme == PLAIN_P256


@internal
@pure
def _first_key(rest: uint256, time: uint256) -> (uint256, uint256):
    capabilities: uint256 = rest >> 240
    if capabilities == 0 or capabilities > ALL_CAPABILITIES:
        return BAD_CAPABILITIES, 0
    if (rest >> 176) & U64 <= time:
        return BAD_EXPIRY, 0
    return EXECUTED, self._active(rest)


@internal
@pure
def _refuse_signer(signer: uint256, kind: uint256, time: uint256) -> uint256:
    status: uint256 = signer & BYTE
    if status == 0:
        return UNKNOWN_KEY
    if status == REMOVED:
        return REMOVED_KEY
    if (signer >> 176) & U64 <= time:
        return EXPIRED_KEY
    needed: uint256 = MAY_REVOKE
    if kind == ADD_KEY or kind == REMOVE_KEY:
        needed = MANAGE
    elif kind == GRANT:
        needed = CONSENT
    elif kind == COMMIT:
        needed = MAY_COMMIT
    return EXECUTED if (signer >> 240) & needed != 0 else LACKS_CAPABILITY


@internal
@pure
def _add_key(
    account: uint256, signer: uint256, about: uint256, rest: uint256, time: uint256
) -> (uint256, uint256):
    capabilities: uint256 = rest >> 240
    expires: uint256 = (rest >> 176) & U64
    if capabilities == 0 or capabilities & (signer >> 240) != capabilities:
        return BAD_CAPABILITIES, about
    if expires <= time or expires > (signer >> 176) & U64:
        return BAD_EXPIRY, about
    if about != 0:
        return KEY_ALREADY_USED, about
    if (account >> 96) & U32 >= ACCOUNT_KEYS_MAX:
        return TOO_MANY_KEYS, about
    return EXECUTED, self._active(rest)


@internal
@pure
def _remove_key(about: uint256, is_signer: bool) -> (uint256, uint256):
    if is_signer:
        return SELF_REMOVAL, about
    if about & BYTE != ACTIVE:
        return NO_SUCH_KEY, about
    return EXECUTED, (about & ~BYTE) | REMOVED


@internal
@pure
def _grant(nonce: uint256, about: uint256, rest: uint256, time: uint256) -> (uint256, uint256):
    valid_from: uint256 = rest >> 192
    valid_until: uint256 = (rest >> 128) & U64
    if time > (rest >> 64) & U64:
        return INCLUDED_TOO_LATE, about
    if valid_until <= valid_from or valid_until <= time:
        return BAD_PERIOD, about
    if about != 0:
        return CONSENT_ALREADY_USED, about
    return EXECUTED, (nonce << 192) | (valid_from << 128) | (valid_until << 64) | GRANTED


@internal
@pure
def _revoke(nonce: uint256, about: uint256) -> uint256:
    if about & BYTE == 0:
        # The consent may still be in flight: the tombstone sees to it that it never comes.
        return (nonce << 192) | STOPPED
    return (about & ~BYTE) | STOPPED


@internal
@pure
def _active(rest: uint256) -> uint256:
    # Capabilities and expiry stand on top of the word, where the slot has them.
    return ((rest >> 176) << 176) | ACTIVE
