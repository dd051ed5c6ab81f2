# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Assertion check
@notice Shows the webauthn module by itself, so that recorded assertions can be put to it. Tests only.
"""


import webauthn


@external
@view
def assertion_holds(
    challenge: bytes32,
    rp_id_hash: bytes32,
    data: Bytes[webauthn.AUTHENTICATOR_DATA_MAX],
    suffix: Bytes[webauthn.SUFFIX_MAX],
    signature: webauthn.Signature,
) -> bool:
    """
    @notice Whether the key signed `challenge` for that relying party, its user present and verified.
    """
    return webauthn.assertion_holds(challenge, rp_id_hash, data, suffix, signature)
