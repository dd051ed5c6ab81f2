"""Somebody's own passkeys: seeing and naming them; for staff, adding and removing them too."""

from pulsekey.api import shapes
from pulsekey.api.callers import Access, Caller
from pulsekey.api.endpoint import Call, Endpoint
from pulsekey.api.routes_offers import digest_from
from pulsekey.identity.principals import checked_passkey_name
from pulsekey.primitives.clock import seconds
from pulsekey.primitives.ids import KeyId
from pulsekey.wiring import Node


def passkeys(node: Node, call: Call) -> shapes.PasskeysAnswer:
    return shapes.PasskeysAnswer(keys=shown(node, call.who))


def name(node: Node, call: Call) -> shapes.PasskeysAnswer:
    body: shapes.NameTaken = call.body
    chosen = checked_passkey_name(body.name)
    node.identities.name_passkey(call.who.principal.id, _key(call.path["key"]), chosen)
    return passkeys(node, call)


def ask(node: Node, call: Call) -> shapes.OptionsShape:
    body: shapes.DeedTaken = call.body
    session = call.who.session
    if body.action == "add":
        return shapes.OptionsShape(options=node.staff_passkeys.ask_to_add(session))
    removed = KeyId(digest_from(body.key_id, "keyId"))
    return shapes.OptionsShape(options=node.staff_passkeys.ask_to_remove(session, removed))


def begin(node: Node, call: Call) -> shapes.OptionsShape:
    body: shapes.CredentialGiven = call.body
    return shapes.OptionsShape(options=node.staff_passkeys.begin(call.who.session, body.credential))


def add(node: Node, call: Call) -> shapes.PasskeysAnswer:
    body: shapes.PasskeyTaken = call.body
    node.staff_passkeys.finish(call.who.session, body.credential, body.name)
    return passkeys(node, call)


def remove(node: Node, call: Call) -> shapes.PasskeysAnswer:
    body: shapes.CredentialGiven = call.body
    node.staff_passkeys.remove(call.who.session, _key(call.path["key"]), body.credential)
    return passkeys(node, call)


def shown(node: Node, caller: Caller) -> list[shapes.KeyShape]:
    """Return the caller's passkeys, the oldest first."""
    return [
        shapes.KeyShape(
            key_id=one.key_id.hex(),
            name=one.name,
            created=seconds(one.created_at),
            last_used=None if one.last_used_at is None else seconds(one.last_used_at),
            current=one.key_id == caller.key,
            synced=one.synced,
        )
        for one in node.identities.passkeys(caller.principal.id)
    ]


def _key(text: str) -> KeyId:
    return KeyId(digest_from(text, "key"))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/passkeys",
        "My passkeys",
        Access.SIGNED_IN,
        passkeys,
        answer=shapes.PasskeysAnswer,
    ),
    Endpoint(
        "POST",
        "/api/passkeys/{key}/name",
        "Name one of my passkeys",
        Access.SIGNED_IN,
        name,
        shapes.NameTaken,
        shapes.PasskeysAnswer,
    ),
    Endpoint(
        "POST",
        "/api/passkeys/confirmation",
        "Begin to confirm, with a passkey that is there, adding or removing one",
        Access.STAFF,
        ask,
        shapes.DeedTaken,
        shapes.OptionsShape,
    ),
    Endpoint(
        "POST",
        "/api/passkeys/options",
        "Begin to add a passkey, once that is confirmed",
        Access.STAFF,
        begin,
        shapes.CredentialGiven,
        shapes.OptionsShape,
    ),
    Endpoint(
        "POST",
        "/api/passkeys",
        "Finish adding a passkey",
        Access.STAFF,
        add,
        shapes.PasskeyTaken,
        shapes.PasskeysAnswer,
    ),
    Endpoint(
        "POST",
        "/api/passkeys/{key}/removal",
        "Remove a passkey, with the gesture that confirms it; ends its sessions and tokens",
        Access.STAFF,
        remove,
        shapes.CredentialGiven,
        shapes.PasskeysAnswer,
    ),
)
