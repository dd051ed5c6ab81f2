"""The first operator: whoever can read what the node prints may create them, once.

The node prints a one-time token. Only its digest is kept; it expires, is used up in the transaction
that creates the operator, and a new one is printed only while there is no operator.
"""

from pulsekey.identity.sessions import TOKEN_BYTES, encode_token
from pulsekey.identity.store import IdentityStore
from pulsekey.identity.token_store import TokenKind
from pulsekey.primitives.clock import MICROS_PER_SECOND, Clock, Micros
from pulsekey.primitives.errors import Conflict
from pulsekey.primitives.ids import Entropy

SET_UP_SECONDS_MAX = 24 * 3_600


def issue_set_up_token(store: IdentityStore, clock: Clock, entropy: Entropy) -> str:
    """Return a new set-up token, to be printed once; earlier ones stop working.

    Raises `Conflict` once an operator exists. `Ceremonies.begin_set_up` takes the token.
    """
    raw = entropy(TOKEN_BYTES)
    with store.transaction():
        if store.has_operator():
            raise Conflict("this node has its first operator")
        expires_at = Micros(clock.now() + SET_UP_SECONDS_MAX * MICROS_PER_SECOND)
        store.tokens.put_one_time(raw, TokenKind.SET_UP, None, expires_at)
    return encode_token(raw)
