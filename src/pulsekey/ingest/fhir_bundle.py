"""FHIR R4 Bundles: a chart as a hospital exports it, kept document by document.

The rule: the content of a document is the exact text that came. Every entry becomes a document or a
refusal; a file that is cut short or is no JSON yields nothing. All Observations stay documents
(docs/decisions/0023); whom they are about is said here and judged by `pulsekey.ingest.patients`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Final

from pulsekey.ingest.archive import BZIP2_MAGIC, GZIP_MAGIC, unpacked
from pulsekey.ingest.fhir_people import PEOPLE, identifiers_in, people_of
from pulsekey.ingest.fhir_shape import DATES, REQUIRED, SUBJECTS
from pulsekey.ingest.items import Context, Coverage, Item, Payload, Refusal
from pulsekey.ingest.json_text import Extent, Json, JsonText, Piece
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.messages import Said
from pulsekey.resources.documents import Clinical
from pulsekey.resources.matter import ABOUT, category_of, codes_at
from pulsekey.signals.classification import CODED_TYPES, WHOLE_TYPES

TEXT_BYTES_MAX: Final = 64 * 2**20
"""Of a Bundle when unpacked: the largest chart of the samples has 5 MB."""
HEAD_BYTES: Final = 65_536
ENTRIES_MAX: Final = 200_000
KEY_CHARACTERS_MAX: Final = 512
BUNDLE_TYPES: Final = ("transaction", "batch", "collection", "searchset")

_BOMS: Final = (b"\xef\xbb\xbf", b"\xc3\xaf\xc2\xbb\xc2\xbf")
"""A byte order mark, and one that was taken for Latin-1 and encoded again."""
_IS_BUNDLE: Final = re.compile(rb'"resourceType"\s*:\s*"Bundle"')
_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")
_FULL_URL: Final = re.compile(r"(urn:(uuid|oid):[A-Za-z0-9.-]+|https?://[!-~]+)")
_DATE_TIME: Final = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?"
    r"(Z|[+-](0\d|1[0-4]):[0-5]\d))?)?)?"
)


class FhirBundle:
    """The FHIR R4 Bundle format. See `pulsekey.ingest.items.Format`."""

    coverage = Coverage(
        format="fhir-r4-bundle",
        title="FHIR R4 Bundle: transaction, batch, collection, searchset (.json, .gz, .bz2)",
        resource_types=tuple(sorted({*WHOLE_TYPES, *CODED_TYPES})),
        notes=(
            "every resource type of R4 is kept as a document; those not listed are unclassified",
            "Observations stay documents with their exact text",
            "entries that ask for deletion, a patch or a read are refused",
        ),
    )

    def recognises(self, head: bytes, payload: Payload) -> bool:
        """Whether the text, unpacked if need be, begins as a JSON object that is a Bundle."""
        if head.startswith((GZIP_MAGIC, BZIP2_MAGIC)):
            try:
                with unpacked(payload, head, limit=TEXT_BYTES_MAX) as stream:
                    head = stream.read(HEAD_BYTES)
            except MalformedInput:
                return False
        text = _without_mark(head).lstrip()
        return text.startswith(b"{") and _IS_BUNDLE.search(text) is not None

    def parse(self, payload: Payload, context: Context) -> Iterator[Item]:
        """Yield a document or a refusal for each entry, in their order.

        Raises `MalformedInput` where the text is no JSON, no Bundle of a type that is read, or too
        long.
        """
        text = _text(payload)
        whole = JsonText(text, payload.name)
        entries = _outline(whole, payload.name)
        seen: dict[str, bytes] = {}
        for number, entry in enumerate(entries, 1):
            item = _entry(whole, entry, Said("entry {number}", number=number))
            if isinstance(item, Clinical):
                item = _first_of_its_key(item, seen)
            context.progress(payload.size * entry.extent.start // max(1, len(text)))
            yield item
        context.progress(payload.size)


def _text(payload: Payload) -> str:
    with payload.open() as stream:
        head = stream.read(HEAD_BYTES)
    with unpacked(payload, head, limit=TEXT_BYTES_MAX) as stream:
        content = stream.read(TEXT_BYTES_MAX + 1)
    if len(content) > TEXT_BYTES_MAX:
        raise MalformedInput(
            Said("longer than {most} bytes", most=TEXT_BYTES_MAX),
            where=payload.name,
            cure="send it in parts",
        )
    try:
        return _without_mark(content).decode("utf-8")
    except UnicodeDecodeError as failure:
        raise MalformedInput(
            "not UTF-8",
            where=Said("{file}, byte {at}", file=payload.name, at=failure.start),
            cure="save it as UTF-8",
        ) from None


def _without_mark(content: bytes) -> bytes:
    for mark in _BOMS:
        content = content.removeprefix(mark)
    return content


@dataclass(frozen=True, slots=True)
class _Found:
    """Where an entry stands, and the resource in it."""

    extent: Extent
    resource: tuple[int, int] = (0, 0)


def _outline(whole: JsonText, where: str) -> list[_Found]:
    """Check that all of the text is JSON and a Bundle, and return where its entries stand."""
    start = whole.start()
    said: dict[str, str] = {}
    entries: list[_Found] = []
    for name, at in whole.members(start):
        if name == "entry":
            for extent in whole.elements(at):
                entries.append(_Found(extent, _resource(whole, extent)))
                if len(entries) > ENTRIES_MAX:
                    raise MalformedInput(
                        Said("more than {most} entries", most=ENTRIES_MAX),
                        where=where,
                        cure="send it in parts",
                    )
            continue
        if name in {"resourceType", "type"}:
            said[name] = whole.string(at)
        extent = whole.extent(at)
        if extent.problem:
            raise MalformedInput(extent.problem, where=where, cure="send it in parts")
        whole.prove(extent)
    whole.finish(start)
    if said.get("resourceType") != "Bundle":
        raise MalformedInput("not a FHIR Bundle", where=where, cure="send resources in a Bundle")
    if said.get("type") not in BUNDLE_TYPES:
        raise MalformedInput(
            "a Bundle of a type that is not imported",
            where=where,
            cure=Said("export it as one of {names}", names=", ".join(BUNDLE_TYPES)),
        )
    return entries


def _resource(whole: JsonText, extent: Extent) -> tuple[int, int]:
    """Return where the resource of an entry stands; what is in excess is not looked into."""
    return (0, 0) if extent.problem else whole.member(extent, "resource")


@dataclass(frozen=True, slots=True)
class _Entry:
    full_url: Json
    method: Json
    mode: Json
    resource: Piece | None


def _entry(whole: JsonText, found: _Found, where: str) -> Clinical | Refusal:
    if found.extent.problem:
        return Refusal(where, found.extent.problem, "send it in parts")
    outer = whole.piece(found.extent)
    if not isinstance(outer.value, dict):
        return Refusal(where, "an entry that is no object", "see Bundle.entry in R4")
    if outer.problem and "resource" not in outer.value:
        return Refusal(_at(where, outer.path), outer.problem, "see Bundle.entry in R4")
    resource: Piece | None = None
    if "resource" in outer.value and "twice" not in outer.problem:
        resource = Piece(whole.text_of(found.resource), outer.value["resource"])
    request, search = outer.value.get("request"), outer.value.get("search")
    entry = _Entry(
        full_url=outer.value.get("fullUrl"),
        method=request.get("method") if isinstance(request, dict) else None,
        mode=search.get("mode") if isinstance(search, dict) else None,
        resource=resource,
    )
    if outer.problem:
        inside = _of_type(where, resource.value) if resource else where
        return Refusal(_at(inside, outer.path), outer.problem, "see the JSON form of R4")
    return _document(entry, where)


def _document(entry: _Entry, where: str) -> Clinical | Refusal:
    if entry.method not in {None, "POST", "PUT"}:
        return Refusal(
            where, "it asks for something else than to keep a resource", "an import only adds"
        )
    if entry.mode == "outcome":
        return Refusal(where, "a message about the search, not a result", "none: nothing is lost")
    if entry.resource is None or not isinstance(entry.resource.value, dict):
        return Refusal(where, "no resource", "add one, or remove the entry")
    resource = entry.resource.value
    where = _of_type(where, resource)
    for problem, cure in _faults(entry, resource):
        return Refusal(where, problem, cure)
    return _clinical(entry, resource, where)


def _faults(entry: _Entry, resource: dict[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield what keeps a resource from being filed, and the cure."""
    assert entry.resource is not None
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or kind not in REQUIRED:
        yield "a resource type that R4 does not have", "convert it to R4 (4.0.1)"
        return
    if kind == "Bundle":
        yield "a Bundle within a Bundle", "send it on its own"
    own_id = resource.get("id")
    if own_id is not None and not (isinstance(own_id, str) and _ID.fullmatch(own_id)):
        yield "an id that R4 does not allow", "1 to 64 of A-Z a-z 0-9 - ."
    url = entry.full_url
    if url is not None and not (
        isinstance(url, str) and len(url) <= KEY_CHARACTERS_MAX and _FULL_URL.fullmatch(url)
    ):
        yield "a fullUrl that is no URL", "urn:uuid:, urn:oid:, http: or https:"
    for element in REQUIRED[kind]:
        if not _has(resource, element):
            yield Said("{element} is missing", element=element), "R4 requires it"
    if "status" in REQUIRED[kind] and not isinstance(resource.get("status"), str):
        yield "status is no code", "R4 requires a code"
    day = _date(resource)
    if day and not _possible(day):
        yield "an impossible date", "correct it at its source"


def _has(resource: dict[str, Json], element: str) -> bool:
    if element.endswith("[x]"):
        stem = element.removesuffix("[x]")
        return any(name.lstrip("_").startswith(stem) for name in resource)
    return element in resource or f"_{element}" in resource


def _clinical(entry: _Entry, resource: dict[str, Json], where: str) -> Clinical | Refusal:
    assert entry.resource is not None
    content = entry.resource.text.encode("utf-8")
    kind, own_id = str(resource["resourceType"]), resource.get("id")
    if isinstance(entry.full_url, str):
        key = entry.full_url
    elif isinstance(own_id, str):
        key = f"{kind}/{own_id}"
    else:
        # Without a name of its own the document is known by what it says.
        key = f"{kind}#{sha256(content).hexdigest()}"
    references, named, complete = people_of(resource)
    if not complete:
        return Refusal(where, "it says of too many whom it is about", "send a resource for each")
    return Clinical(
        resource_type=kind,
        key=key,
        category=category_of(resource),
        content=content,
        subject=key if kind == "Patient" else _subject(resource),
        date=_date(resource),
        codes=codes_at(resource, ABOUT.get(kind, ("code",))),
        where=where,
        resource_id=own_id if isinstance(own_id, str) else "",
        references=references,
        identifiers=_whose(kind, resource),
        named=named,
    )


def _first_of_its_key(item: Clinical, seen: dict[str, bytes]) -> Clinical | Refusal:
    mark = sha256(item.content).digest()
    if seen.setdefault(item.key, mark) == mark:
        return item
    return Refusal(
        item.where, "another entry of this Bundle has the same name", "send one version of it"
    )


def _subject(resource: dict[str, Json]) -> str:
    """Return whom a resource is about: a reference as written, or an identifier as a search."""
    for name in SUBJECTS:
        about = resource.get(name)
        if not isinstance(about, dict):
            continue
        reference = about.get("reference")
        if isinstance(reference, str):
            return reference[:KEY_CHARACTERS_MAX]
        for system, value in identifiers_in(about.get("identifier")):
            return f"Patient?identifier={system}|{value}"[:KEY_CHARACTERS_MAX]
    return ""


def _whose(kind: str, resource: dict[str, Json]) -> tuple[tuple[str, str], ...]:
    """Return the identifiers of a person, or those that a resource itself gives of its subject."""
    if kind in PEOPLE:
        return identifiers_in(resource.get("identifier"))
    subjects = [resource.get(name) for name in SUBJECTS]
    return tuple(
        pair
        for about in subjects
        if isinstance(about, dict)
        for pair in identifiers_in(about.get("identifier"))
    )


def _date(resource: dict[str, Json]) -> str:
    """Return when a resource begins, "" where it does not say: an open period began some time."""
    for place in DATES:
        element, _, inner = place.partition(".")
        value = resource.get(element)
        if inner and isinstance(value, dict):
            value = value.get(inner)
        if element in resource:
            return value if isinstance(value, str) else ""
    return ""


def _possible(day: str) -> bool:
    found = _DATE_TIME.fullmatch(day)
    if found is None:
        return False
    year, month, of_month = (int(part or 1) for part in found.groups()[:3])
    try:
        date(year, month, of_month)
    except ValueError:
        return False
    return True


def _of_type(where: str, resource: Json) -> str:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if isinstance(kind, str) and kind in REQUIRED:
        return Said("{where} ({kind})", where=where, kind=kind)
    return where


def _at(where: str, path: str) -> str:
    return Said("{where}, {path}", where=where, path=path) if path else where
