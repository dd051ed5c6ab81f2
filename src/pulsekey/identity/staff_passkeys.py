"""Passkeys of clinicians and operators: they sign in and nothing else, so no ledger knows them.

Adding one and removing one each take a fresh gesture with a passkey that is there already, given
in the same session for just that deed. The passkey that confirms a removal is never the one that
goes, so nobody removes the only one that works. A patient's passkeys also sign on the ledger: those
go by `exchange.sign_operation`.
"""

from dataclasses import dataclass

from pulsekey.identity.actions import Action
from pulsekey.identity.ceremonies import Ceremonies
from pulsekey.identity.lifecycle import Status
from pulsekey.identity.principals import Passkey, Role, checked_passkey_name
from pulsekey.identity.responses import JsonObject
from pulsekey.identity.sessions import Session
from pulsekey.identity.store import IdentityStore
from pulsekey.primitives.clock import Clock
from pulsekey.primitives.errors import AccessDenied, NotFound
from pulsekey.primitives.ids import KeyId

ADDING = ("add-passkey",)


@dataclass(frozen=True, slots=True)
class StaffPasskeys:
    store: IdentityStore
    ceremonies: Ceremonies
    clock: Clock

    def ask_to_add(self, session: Session) -> dict[str, object]:
        """Return options for the gesture that confirms adding."""
        _require_staff(session)
        return self.ceremonies.begin_step_up(session, ADDING)

    def begin(self, session: Session, response: JsonObject) -> dict[str, object]:
        """Judge that gesture, or raise `NotAuthenticated`; return options for the new passkey."""
        _require_staff(session)
        self.ceremonies.finish_step_up(session, ADDING, response)
        return self.ceremonies.begin_passkey(session)

    def finish(self, session: Session, response: JsonObject, name: str) -> Passkey:
        """Keep the new passkey under a name, which may be empty."""
        _require_staff(session)
        checked = checked_passkey_name(name)
        # Not within the transaction: a response that is refused has still used its challenge up.
        added = self.ceremonies.finish_passkey(session, response)
        with self.store.transaction():
            self.store.add_passkey(added)
            if checked:
                self.store.name_passkey(session.principal.id, added.key_id, checked)
            self._log(session, Action.ADD_PASSKEY)
        return added

    def ask_to_remove(self, session: Session, key: KeyId) -> dict[str, object]:
        """Return options for a gesture by any of the others; the last one stays (`Conflict`)."""
        _require_staff(session)
        self._require_own(session, key)
        return self.ceremonies.begin_step_up(session, _removing(key), but=key)

    def remove(self, session: Session, key: KeyId, response: JsonObject) -> None:
        """Retire a passkey; every session and token that it opened ends."""
        _require_staff(session)
        self._require_own(session, key)
        self.ceremonies.finish_step_up(session, _removing(key), response, but=key)
        with self.store.transaction():
            self.store.remove_passkey(session.principal.id, key, self.clock.now())
            self._log(session, Action.REMOVE_PASSKEY)

    def _require_own(self, session: Session, key: KeyId) -> None:
        if key not in session.principal.keys:
            raise NotFound("no such passkey")

    def _log(self, session: Session, action: Action) -> None:
        # Anybody may register as a clinician: strangers must not fill the operators' list.
        who = session.principal
        if who.status is Status.CONFIRMED:
            self.store.actions.add(who.id, action, who.id, self.clock.now())


def _removing(key: KeyId) -> tuple[str, str]:
    return ("remove-passkey", key.hex())


def _require_staff(session: Session) -> None:
    if session.principal.role is Role.PATIENT:
        raise AccessDenied("a patient's passkeys also sign, so each change is signed")
