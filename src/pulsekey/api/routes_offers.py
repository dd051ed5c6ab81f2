"""Offers: what a patient can sign, and the gesture that sends it."""

from pulsekey.api import render, shapes
from pulsekey.api.callers import Access
from pulsekey.api.endpoint import Call, Endpoint
from pulsekey.exchange.grant_access import Choice
from pulsekey.exchange.offers import Offer, OfferId
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.ids import ConsentId, KeyId, PrincipalId
from pulsekey.wiring import Node

DIGEST_HEX_CHARACTERS = 64


def offer_account(node: Node, call: Call) -> shapes.OfferAnswer:
    return _shown(node, node.signing.offer_account(call.who.principal, call.who.key))


def begin_key(node: Node, call: Call) -> shapes.OptionsShape:
    return shapes.OptionsShape(options=node.ceremonies.begin_passkey(call.who.session))


def offer_key(node: Node, call: Call) -> shapes.OfferAnswer:
    body: shapes.CredentialGiven = call.body
    added = node.ceremonies.finish_passkey(call.who.session, body.credential)
    return _shown(node, node.signing.offer_key(call.who.principal, call.who.key, added))


def offer_key_removal(node: Node, call: Call) -> shapes.OfferAnswer:
    body: shapes.KeyNamed = call.body
    removed = KeyId(digest_from(body.key_id, "keyId"))
    return _shown(node, node.signing.offer_key_removal(call.who.principal, call.who.key, removed))


def offer_grant(node: Node, call: Call) -> shapes.OfferAnswer:
    body: shapes.GrantChoice = call.body
    choice = Choice(
        PrincipalId(body.recipient),
        body.categories,
        body.purpose,
        body.valid_until,
        body.data_from,
        body.data_until,
        body.zone,
        body.language,
    )
    return _shown(node, node.granting.offer(call.who.principal, call.who.key, choice))


def offer_stop(node: Node, call: Call) -> shapes.OfferAnswer:
    body: shapes.ConsentNamed = call.body
    consent = ConsentId(digest_from(body.consent, "consent"))
    return _shown(node, node.stopping.offer(call.who.principal, call.who.key, consent))


def offer_stop_all(node: Node, call: Call) -> shapes.OfferAnswer:
    return _shown(node, node.signing.offer_stop_all(call.who.principal, call.who.key))


def confirm(node: Node, call: Call) -> shapes.StepAnswer:
    body: shapes.Confirmation = call.body
    return render.step(
        node.signing.confirm(call.who.principal, OfferId(body.offer), body.credential)
    )


def digest_from(text: str, where: str) -> bytes:
    """Return 32 bytes from their hexadecimal digits, or raise `MalformedInput`."""
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(text) != DIGEST_HEX_CHARACTERS or digest.hex() != text:
        raise MalformedInput("64 lower-case hexadecimal digits", where=where)
    return digest


def _shown(node: Node, offer: Offer) -> shapes.OfferAnswer:
    return render.offer(offer, node.ledger.genesis.ledger)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/offers/account",
        "Offer to open my account on the ledger",
        Access.PATIENT,
        offer_account,
        answer=shapes.OfferAnswer,
    ),
    Endpoint(
        "POST",
        "/api/offers/key/options",
        "Begin to add a passkey",
        Access.PATIENT,
        begin_key,
        answer=shapes.OptionsShape,
    ),
    Endpoint(
        "POST",
        "/api/offers/key",
        "Offer to let a new passkey sign",
        Access.PATIENT,
        offer_key,
        shapes.CredentialGiven,
        shapes.OfferAnswer,
    ),
    Endpoint(
        "POST",
        "/api/offers/key-removal",
        "Offer to remove a passkey",
        Access.PATIENT,
        offer_key_removal,
        shapes.KeyNamed,
        shapes.OfferAnswer,
    ),
    Endpoint(
        "POST",
        "/api/offers/grant",
        "Offer a grant",
        Access.PATIENT,
        offer_grant,
        shapes.GrantChoice,
        shapes.OfferAnswer,
    ),
    Endpoint(
        "POST",
        "/api/offers/stop",
        "Offer to stop a consent",
        Access.PATIENT,
        offer_stop,
        shapes.ConsentNamed,
        shapes.OfferAnswer,
    ),
    Endpoint(
        "POST",
        "/api/offers/stop-all",
        "Offer to stop every consent",
        Access.PATIENT,
        offer_stop_all,
        answer=shapes.OfferAnswer,
    ),
    Endpoint(
        "POST",
        "/api/operations",
        "Confirm an offer with a gesture",
        Access.PATIENT,
        confirm,
        shapes.Confirmation,
        shapes.StepAnswer,
    ),
)
