"""Operators from the console: whoever can read what the machine prints may make one.

The node prints a one-time token for the first operator, and `pulsekey invite-operator` one for
another when nobody can sign in any more. Only its digest is kept; it expires and is used up in the
transaction that creates the operator. The console can do no more by this than it could before: it
holds the custodian's key. But the other operators see it in the list of actions.
"""

from pulsekey.identity.actions import Action
from pulsekey.identity.lifecycle import Status
from pulsekey.identity.principals import Principal, Role, checked_name
from pulsekey.identity.sessions import TOKEN_BYTES, encode_token
from pulsekey.identity.store import IdentityStore, new_principal
from pulsekey.identity.token_store import TokenKind
from pulsekey.primitives.clock import MICROS_PER_SECOND, Clock, Micros
from pulsekey.primitives.errors import Conflict
from pulsekey.primitives.ids import Entropy

SET_UP_SECONDS_MAX = 24 * 3_600
CONSOLE_SECONDS_MAX = 24 * 3_600


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


def invite_from_console(
    store: IdentityStore, clock: Clock, entropy: Entropy, display_name: str
) -> tuple[Principal, str]:
    """Return a new operator who waits for a passkey, and the token to register it with.

    They are confirmed when they register: there may be no other operator left who could. Raises
    `Conflict` before the node is set up. `Ceremonies.begin_invited` takes the token.
    """
    raw = entropy(TOKEN_BYTES)
    now = clock.now()
    with store.transaction():
        principal = new_principal(
            Role.OPERATOR,
            Status.INVITED,
            store.custodian().id,
            checked_name(display_name),
            now=now,
            entropy=entropy,
        )
        store.add_principal(principal)
        store.actions.add(None, Action.CONSOLE_INVITE, principal.id, now)
        expires_at = Micros(now + CONSOLE_SECONDS_MAX * MICROS_PER_SECOND)
        store.tokens.put_one_time(raw, TokenKind.CONSOLE, principal.id, expires_at)
    return principal, encode_token(raw)
