# pragma version 0.4.3
"""
@title WebAuthn
@notice Checks one WebAuthn assertion, or one plain P-256 signature. Holds no state.
@dev    The same check as pulsekey.primitives.assertion, byte by byte: nothing is parsed, the
        challenge stands at a known place (WebAuthn Level 3, section 5.8.1.2).
        P256VERIFY (EIP-7951) answers 32 bytes equal to 1, or nothing at all; so does an address
        without code. Only the exact answer counts, and `works` tells a missing precompile.
"""


P256VERIFY: constant(address) = 0x0000000000000000000000000000000000000100

PREFIX: constant(Bytes[36]) = b'{"type":"webauthn.get","challenge":"'
# @dev The 12 bytes `","origin":"`, with which the client data go on after the challenge.
SUFFIX_START: constant(bytes12) = 0x222c226f726967696e223a22
SUFFIX_START_BYTES: constant(uint256) = 12
SUFFIX_MAX: constant(uint256) = 512
# @dev User present (bit 0) and user verified (bit 2), WebAuthn Level 3, section 6.1.
FLAGS_NEEDED: constant(uint256) = 5
AUTHENTICATOR_DATA_MIN: constant(uint256) = 37
AUTHENTICATOR_DATA_MAX: constant(uint256) = 256

# @dev The low bit of each byte; the low n bits of each piece that holds 2n.
ONES: constant(uint256) = max_value(uint256) // (2**8 - 1)
EACH_48: constant(uint256) = (2**48 - 1) * (2**128 + 1)
EACH_24: constant(uint256) = (2**24 - 1) * (max_value(uint256) // (2**64 - 1))
EACH_12: constant(uint256) = (2**12 - 1) * (max_value(uint256) // (2**32 - 1))
EACH_6: constant(uint256) = (2**6 - 1) * (max_value(uint256) // (2**16 - 1))

# @dev An assertion that Chromium made: message hash, r, s, x, y.
KNOWN_HASH: constant(bytes32) = 0xcd3c7a25bf731a82b28582948a09263fc02bba641867379a66df52793641aea2
KNOWN_R: constant(bytes32) = 0xe986667c173b418888e7528c0b78ac6f2f81e3581caf5c941be34b119111fd40
KNOWN_S: constant(bytes32) = 0x9d7b1d20536ccf4cfcb9445ebdf6d12e363672458d3f77be3c8f8a9a68dee925
KNOWN_X: constant(bytes32) = 0x2b1f4dd68a8a5319ce62cf10045d5d2ad88f8ab5c003951e035669c7ad493495
KNOWN_Y: constant(bytes32) = 0x3901a9a014fd1bde4802a51fc881dd6e67089b3997a3cf5448f5a5bcf20ff4be


struct Signature:
    r: bytes32
    s: bytes32
    x: bytes32
    y: bytes32


@internal
@view
def works() -> bool:
    """
    @notice Whether the precompile accepts a signature that is known to be good, and only that.
    """
    known: Signature = Signature(r=KNOWN_R, s=KNOWN_S, x=KNOWN_X, y=KNOWN_Y)
    return self.signature_holds(KNOWN_HASH, known) and not self.signature_holds(KNOWN_R, known)


@internal
@view
def assertion_holds(
    challenge: bytes32,
    rp_id_hash: bytes32,
    data: Bytes[AUTHENTICATOR_DATA_MAX],
    suffix: Bytes[SUFFIX_MAX],
    signature: Signature,
) -> bool:
    """
    @notice Whether the key signed `challenge` for that relying party, its user present and verified.
    """
    if len(data) < AUTHENTICATOR_DATA_MIN or len(suffix) < SUFFIX_START_BYTES:
        return False
    if extract32(data, 0) != rp_id_hash:
        return False
    # The flags are the last byte of the word that begins at byte 1.
    if convert(extract32(data, 1), uint256) & FLAGS_NEEDED != FLAGS_NEEDED:
        return False
    if convert(slice(suffix, 0, 12), bytes12) != SUFFIX_START:
        return False
    client_data: bytes32 = sha256(concat(PREFIX, self._base64url(challenge), suffix))
    return self.signature_holds(sha256(concat(data, client_data)), signature)


@internal
@view
def signature_holds(message_hash: bytes32, signature: Signature) -> bool:
    """
    @notice Whether the signature over a 32-byte hash is the key's. `s` may be low or high.
    """
    called: bool = False
    answer: Bytes[32] = b""
    called, answer = raw_call(
        P256VERIFY,
        concat(message_hash, signature.r, signature.s, signature.x, signature.y),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    return called and len(answer) == 32 and convert(answer, uint256) == 1


@internal
@pure
def _base64url(content: bytes32) -> Bytes[43]:
    whole: uint256 = convert(content, uint256)
    first: uint256 = self._characters(whole >> 64)
    # The last 8 bytes give 11 characters: put them on top of a group, take what they fill.
    last: uint256 = self._characters((whole & (2**64 - 1)) << 128)
    return concat(convert(first, bytes32), slice(convert(last, bytes32), 0, 11))


@internal
@pure
def _characters(group: uint256) -> uint256:
    """
    @dev 24 bytes become 32 base64url characters, all at once. Each line but the last ones halves the
         width of the pieces until every byte holds six bits; then letters, digits and signs are told apart
         by adding to every byte in parallel (no byte ever overflows).
    """
    x: uint256 = (group & (2**96 - 1)) | ((group >> 96) << 128)
    x = (x & EACH_48) | ((x << 16) & (EACH_48 << 64))
    x = (x & EACH_24) | ((x << 8) & (EACH_24 << 32))
    x = (x & EACH_12) | ((x << 4) & (EACH_12 << 16))
    x = (x & EACH_6) | ((x << 2) & (EACH_6 << 8))
    from_26: uint256 = (unsafe_add(x, unsafe_mul(ONES, 102)) >> 7) & ONES
    from_52: uint256 = (unsafe_add(x, unsafe_mul(ONES, 76)) >> 7) & ONES
    from_62: uint256 = (unsafe_add(x, unsafe_mul(ONES, 66)) >> 7) & ONES
    from_63: uint256 = (unsafe_add(x, unsafe_mul(ONES, 65)) >> 7) & ONES
    x = unsafe_add(unsafe_add(x, unsafe_mul(ONES, 65)), unsafe_mul(from_26, 6))
    x = unsafe_sub(unsafe_sub(x, unsafe_mul(from_52, 75)), unsafe_mul(from_62, 13))
    return unsafe_add(x, unsafe_mul(from_63, 49))
