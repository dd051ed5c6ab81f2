"""Who did what to whose account: kept with the act itself, in one transaction, and never changed.

An entry holds opaque ids, a word and a time: no name, no identifier, no health data. `actor` is
None where somebody at the machine's own console acted.
"""

from dataclasses import dataclass
from enum import StrEnum

from pulsekey.identity.database import Database
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.ids import PrincipalId

ACTIONS_LISTED_MAX = 200


class Action(StrEnum):
    """What is written down. The words are stored: never change one."""

    SET_UP = "set-up"
    INVITE = "invite"
    INVITE_AGAIN = "invite-again"
    CONSOLE_INVITE = "console-invite"
    CONSOLE_JOIN = "console-join"
    """Somebody registered as an operator with a token that the console made."""

    CONFIRM = "confirm"
    WITHDRAW = "withdraw"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    CLOSE = "close"
    BIND = "bind"
    UNBIND = "unbind"
    ADD_PASSKEY = "add-passkey"
    REMOVE_PASSKEY = "remove-passkey"


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `number` rises with time and names the place to go on from."""

    number: int
    at: Micros
    actor: PrincipalId | None
    action: Action
    subject: PrincipalId


class ActionLog:
    """The list of acts. Call `add` inside the transaction of the act."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, actor: PrincipalId | None, action: Action, subject: PrincipalId, at: Micros
    ) -> None:
        self._database.write(
            "INSERT INTO actions (at, actor, action, subject) VALUES (?, ?, ?, ?)",
            at,
            actor,
            action,
            subject,
        )

    def page(self, before: int | None = None, limit: int = ACTIONS_LISTED_MAX) -> list[Entry]:
        """Return acts older than number `before`, the newest first, at most `limit`."""
        rows = self._database.rows(
            "SELECT number, at, actor, action, subject FROM actions"
            " WHERE ?1 IS NULL OR number < ?1 ORDER BY number DESC LIMIT ?2",
            before,
            min(limit, ACTIONS_LISTED_MAX),
        )
        return [
            Entry(
                number,
                Micros(at),
                None if actor is None else PrincipalId(actor),
                Action(action),
                PrincipalId(subject),
            )
            for number, at, actor, action, subject in rows
        ]
