"""Use cases: a FHIR search, and a FHIR read. Both pass the gate and answer in FHIR's own bytes.

What a reader may see is the token's scopes, and within them what the gate opens. A page link goes
through the same door: it holds a search, not a permission.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pulsekey.evidence.entries import Asked
from pulsekey.evidence.receipts import ReadReceipt
from pulsekey.exchange.gate import NOBODY, NOT_HERE, Gate, Opened
from pulsekey.exchange.patient_resource import patient_resource
from pulsekey.exchange.streams import Found, rendered, sample_named, streams_of
from pulsekey.fhir.bundle import Entry, searchset
from pulsekey.fhir.matching import windows
from pulsekey.fhir.paging import continuation, merge, page_token, resume
from pulsekey.fhir.search import Order, Search, compile_search
from pulsekey.identity.principals import Identifier, Principal
from pulsekey.identity.store import IdentityStore
from pulsekey.primitives.canonical import INTEGER_MAX
from pulsekey.primitives.clock import Clock, Micros
from pulsekey.primitives.errors import AccessDenied, MalformedInput, NotFound
from pulsekey.primitives.ids import Entropy, PatientId
from pulsekey.signals.catalogue import METRICS
from pulsekey.signals.category import Category
from pulsekey.signals.classification import SENSITIVE, categories_of, classify
from pulsekey.signals.metric import LOINC
from pulsekey.vault.records import Cursor

NONCE_BYTES = 12
_INTERACTIONS = re.compile("c?r?u?d?s?")
SORTED_MAX = 20_000
"""Matches that can be sorted by when they came in; the vault keeps them by when they happened."""

CODES_MAX = 100
CODE_CHARACTERS_MAX = 128
"""Of the codes that one search may name, all repetitions together."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: their purpose of use, and what their token lets them ask for."""

    principal: Principal
    purpose: str
    scopes: tuple[str, ...]

    def require(self, resource_type: str, interaction: str) -> None:
        """Raise `AccessDenied` unless a scope covers an interaction with this type.

        SMART App Launch 2.2, section 3.0.2: `interaction` is "r" to read, "s" to search; `read` is
        version 1's name for both. A scope that ends in a query covers nothing here.
        """
        for scope in self.scopes:
            compartment, _, rest = scope.partition("/")
            named, _, action = rest.partition(".")
            covers = action in {"read", "*"} or (
                _INTERACTIONS.fullmatch(action) is not None and interaction in action
            )
            if compartment in {"user", "patient"} and named in {resource_type, "*"} and covers:
                return
        raise AccessDenied("the token does not cover this type of resource")


@dataclass(frozen=True, slots=True)
class Answered:
    """FHIR JSON, with the read receipts that go with it."""

    body: bytes
    receipts: tuple[ReadReceipt, ...]
    version: str = ""


@dataclass(frozen=True, slots=True)
class SearchRecords:
    gate: Gate
    identities: IdentityStore
    clock: Clock
    entropy: Entropy
    base: str
    page_key: bytes = field(repr=False)

    def search(
        self,
        reader: Reader,
        resource_type: str,
        parameters: Sequence[tuple[str, str]],
        *,
        lenient: bool = False,
    ) -> Answered:
        """Return a searchset Bundle, or raise: `NotFound` whatever keeps the reader out."""
        reader.require(resource_type, "s")
        asked_at = self.clock.now()
        cursors: tuple[Cursor | None, ...] = ()
        token = page_token(parameters)
        if token is None:
            search = compile_search(resource_type, parameters, now=asked_at, lenient=lenient)
        else:
            search, cursors, asked_at = resume(self._unsealed(token))
            if search.resource_type != resource_type:
                raise MalformedInput("a page of another search", cure="follow the link")
        opened = self._opened(reader, search)
        if search.resource_type == "Patient":
            resource = patient_resource(opened, self.identities.identifiers_of(opened.patient))
            entries = [Entry("Patient", opened.patient, resource.body)]
            body = searchset(self.base, search, entries, decision=opened.decision)
            return Answered(body, opened.receipts)
        found, following = self._page(opened, search, cursors)
        body = searchset(
            self.base,
            search,
            [Entry(*one) for one in rendered(found, opened.resolve)],
            next_token=self._sealed(continuation(search, following, asked_at=asked_at))
            if following
            else "",
            decision=opened.decision,
        )
        return Answered(body, opened.receipts)

    def read(self, reader: Reader, resource_type: str, name: str) -> Answered:
        """Return one resource, or raise `NotFound` whatever the reason."""
        reader.require(resource_type, "r")
        if resource_type == "Patient":
            opened = self.gate.open(
                reader.principal, PatientId(name), reader.purpose, Asked(("Patient",), limit=1)
            )
            resource = patient_resource(opened, self.identities.identifiers_of(opened.patient))
            return Answered(resource.body, opened.receipts, resource.version)
        sample = sample_named(name) if resource_type == "Observation" else None
        categories: tuple[str, ...] = ()
        if sample is None:
            patient = self.gate.owner(name)
        else:
            patient, categories = self.gate.series_about(sample[0])
        asked = Asked((resource_type,), categories, limit=1)
        opened = self.gate.open(reader.principal, patient, reader.purpose, asked)
        search = compile_search(resource_type, [("_id", name)], now=self.clock.now())
        for scope in opened.scopes:
            for stream in streams_of(scope, search):
                for found in islice(stream(None), 1):
                    kind, _, body = rendered([found], opened.resolve)[0]
                    if kind == resource_type:
                        return Answered(body, opened.receipts, str(found.version))
        raise NotFound(NOT_HERE)

    def _opened(self, reader: Reader, search: Search) -> Opened:
        bounds = windows(search)
        starts = [window.start_min for window in bounds if window.start_min is not None]
        ends = [window.end_max for window in bounds if window.end_max is not None]
        asked = Asked(
            types=(search.resource_type,),
            categories=_categories(search),
            codes=_codes(search),
            data_from=_loggable(max(starts)) if starts else None,
            data_until=_loggable(min(ends)) if ends else None,
            limit=search.count,
        )
        return self.gate.open(
            reader.principal, self._patient(reader, search), reader.purpose, asked
        )

    def _patient(self, reader: Reader, search: Search) -> PatientId:
        """Return the one patient that a search is about."""
        named = list(search.patients)
        if search.resource_type == "Patient":
            named += search.ids
            for tokens in search.tokens_of("identifier"):
                # Counted before they are looked up: the answer must not tell which of them exist.
                if len(tokens) > 1:
                    raise _several("identifier")
                named.append(frozenset(self._identified(t.system, t.code) for t in tokens))
        elif not named and search.ids:
            owners = {self._owner(search.resource_type, one) for one in search.ids[0]}
            if len(owners) > 1:
                return NOBODY  # As if one were unknown: which exist is not told.
            named.append(frozenset(owners))
        if not named and reader.principal.patient is not None:
            return reader.principal.patient
        if not named:
            raise MalformedInput(
                "whose record?", where="patient", cure="name one patient: patient=ID"
            )
        both = frozenset.intersection(*named)
        if len(both) > 1:
            raise _several("patient")
        for one in both:
            return PatientId(one)
        return NOBODY

    def _identified(self, system: str | None, value: str | None) -> str:
        if not system or not value:
            raise MalformedInput(
                "an identifier is looked up whole", where="identifier", cure="system|value"
            )
        return self.identities.patient_of(Identifier(system, value)) or ""

    def _owner(self, resource_type: str, name: str) -> PatientId:
        sample = sample_named(name) if resource_type == "Observation" else None
        return self.gate.owner(name if sample is None else sample[0])

    def _page(
        self, opened: Opened, search: Search, cursors: tuple[Cursor | None, ...]
    ) -> tuple[list[Found], tuple[Cursor | None, ...]]:
        """Return one page of matches, and where each stream goes on (empty if nothing is left)."""
        streams = [stream for scope in opened.scopes for stream in streams_of(scope, search)]
        if cursors and len(cursors) != len(streams):
            raise MalformedInput(
                "what you may read has changed since this page was made", cure="search again"
            )
        if search.order is Order.UPDATED:
            if cursors:
                raise MalformedInput(
                    "sorted by _lastUpdated there is one page", cure="ask for more"
                )
            every = [found for stream in streams for found in islice(stream(None), SORTED_MAX)]
            if len(every) >= SORTED_MAX:
                raise MalformedInput("too much to sort by _lastUpdated", cure="narrow by date")
            every.sort(key=lambda found: found.updated, reverse=search.descending)
            return every[: search.count], ()
        places = list(cursors) or [None] * len(streams)
        heads = [
            [(found.key, found) for found in islice(stream(place), search.count + 1)]
            for stream, place in zip(streams, places, strict=True)
        ]
        merged = merge(heads, descending=search.descending, limit=search.count)
        for stream, found in merged:
            places[stream] = found.after
        more = sum(map(len, heads)) > len(merged)
        return [found for _, found in merged], tuple(places) if more and merged else ()

    def _sealed(self, content: bytes) -> str:
        nonce = self.entropy(NONCE_BYTES)
        sealed = AESGCM(self.page_key).encrypt(nonce, content, None)
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def _unsealed(self, token: str) -> bytes:
        try:
            content = base64.b64decode(token, altchars=b"-_", validate=True)
            return AESGCM(self.page_key).decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], None)
        except (InvalidTag, ValueError, binascii.Error):
            raise MalformedInput(
                "not a page of this node", where="_page", cure="search again"
            ) from None


def _several(where: str) -> MalformedInput:
    return MalformedInput("several patients", where=where, cure="ask for one at a time")


def _codes(search: Search) -> tuple[str, ...]:
    """Return the codes that are asked for, few and short: a log entry keeps them for ever.

    Evidence holds every entry, so a reader who could make entries as large as they like could make
    the evidence of their own reading too large to be checked.
    """
    codes = {token.code for tokens in search.tokens_of("code") for token in tokens if token.code}
    if len(codes) > CODES_MAX or any(len(code) > CODE_CHARACTERS_MAX for code in codes):
        raise MalformedInput(
            f"more than {CODES_MAX} codes, or one of more than {CODE_CHARACTERS_MAX} characters",
            where="code",
            cure="ask for fewer at a time",
        )
    return tuple(sorted(codes))


def _loggable(at: int) -> Micros:
    """Return a time as the log can hold it: beyond it nothing was ever measured."""
    return Micros(min(max(at, -INTEGER_MAX), INTEGER_MAX))


def _categories(search: Search) -> tuple[str, ...]:
    """Return the categories that a search is about; none if it asks for whatever there is."""
    tokens = [token for tokens in search.tokens_of("code") for token in tokens if token.code]
    if search.resource_type != "Observation":
        if search.resource_type == "Patient":
            return ()  # Whoever reads anything of a record may read that there is a patient.
        return tuple(sorted(map(str, categories_of(search.resource_type))))
    held = {
        str(metric.category)
        for metric in METRICS.values()
        for code in metric.codes
        for token in tokens
        if token.code == code.code and token.system in {None, code.system}
    }
    held |= {
        str(classify("Observation", [(token.system or LOINC, token.code or "")]))
        for token in tokens
    }
    if tokens:
        # A resource may have a second code, which decides over the one that was asked for.
        held |= {str(category) for category in (*SENSITIVE, Category.UNCLASSIFIED)}
    return tuple(sorted(held))
