"""The written invariants of R4 that the generated facts cannot express, by the struct they judge.

Each rule takes a struct and returns None, or what is wrong (with the standard's key) and its cure.
Warnings and best practices are left out: only what makes a resource invalid is here.
"""

import calendar
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import UNSET
from msgspec.structs import astuple

from pulsekey.resources import r4
from pulsekey.resources.strict import Strict

Problem: TypeAlias = tuple[str, str] | None
Rule: TypeAlias = Callable[[Any], Problem]


def _has(*values: object) -> bool:
    return any(value is not UNSET for value in values)


def _given(element: Strict, prefix: str) -> bool:
    """Whether an element has a value whose name starts with `prefix` (a choice)."""
    return any(
        value is not UNSET and name.startswith(prefix)
        for name, value in zip(element.__struct_fields__, astuple(element), strict=True)
    )


def legal_date(text: str) -> bool:
    """Whether the day in a date, dateTime or instant that matches its pattern exists."""
    if len(text) < 10:
        return True
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    return day <= calendar.monthrange(year, month)[1]


def _dates() -> dict[str, frozenset[str]]:
    """Return the attributes of every struct that hold a date, by the struct's name."""
    out: dict[str, set[str]] = {}
    kinds = {"Date", "DateTime", "Instant"}
    for name, kind in vars(r4).items():
        if isinstance(kind, type) and issubclass(kind, Strict) and kind is not Strict:
            for base in kind.__mro__:
                for field, annotation in vars(base).get("__annotations__", {}).items():
                    if str(annotation).split(" | ")[0] in kinds:
                        out.setdefault(name, set()).add(field)
    return {name: frozenset(fields) for name, fields in out.items()}


DATES = _dates()
"""Which attributes hold a date, dateTime or instant, worked out from the generated annotations."""


def _period(period: r4.Period) -> Problem:
    start, end = period.start, period.end
    if not isinstance(start, str) or not isinstance(end, str):
        return None
    if "T" in start and "T" in end:
        backward = _at(start) > _at(end)
    else:
        # What both state decides: a day is not after a time within it.
        stated = min(len(start), len(end), 10)
        backward = start[:stated] > end[:stated]
    return ("per-1: a start after its end", "exchange or correct them") if backward else None


def _at(text: str) -> datetime:
    """Return a dateTime with a time; a leap second is the last one that this calendar has."""
    return datetime.fromisoformat(text.replace(":60", ":59", 1))


def _quantity(quantity: Any) -> Problem:
    if _has(quantity.code) and not _has(quantity.system, quantity.system_):
        return "qty-3: a unit's code without its system", "add the system"
    return None


def _ratio(ratio: r4.Ratio) -> Problem:
    if _has(ratio.numerator) != _has(ratio.denominator) or not _has(
        ratio.numerator, ratio.extension
    ):
        return "rat-1: half a ratio", "give numerator and denominator"
    return None


def _range(element: r4.Range) -> Problem:
    low, high = element.low, element.high
    if low is UNSET or high is UNSET or low.value is UNSET or high.value is UNSET:
        return None
    # R4 compares by unit; different units are not comparable here.
    if low.code == high.code and low.value > high.value:
        return "rng-2: a low end above the high one", "exchange or correct them"
    return None


def _extension(extension: r4.Extension) -> Problem:
    nested, value = _has(extension.extension), _given(extension, "value_")
    if nested == value:
        return "ext-1: either extensions or a value", "keep exactly one of them"
    return None


def _attachment(attachment: r4.Attachment) -> Problem:
    if _has(attachment.data) and not _has(attachment.content_type, attachment.content_type_):
        return "att-1: data without its content type", "add contentType"
    return None


def _contact_point(point: r4.ContactPoint) -> Problem:
    if _has(point.value) and not _has(point.system, point.system_):
        return "cpt-2: a contact value without its system", "add the system"
    return None


def _narrative(narrative: r4.Narrative) -> Problem:
    div = narrative.div
    if not isinstance(div, str):
        return None
    text = div.strip()
    if not text.startswith("<div") or not text.endswith(("</div>", "/>")):
        return "txt-1: a narrative that is not one div", "wrap it in an XHTML div"
    lowered = text.lower()
    if any(bad in lowered for bad in ("<script", "<iframe", "<object", "<form", "javascript:")):
        return "txt-1: active content in a narrative", "remove it"
    return None


def _observation(observation: r4.Observation) -> Problem:
    valued = _given(observation, "value_")
    if valued and _has(observation.data_absent_reason):
        return "obs-6: a value and a reason for its absence", "keep one"
    if valued and isinstance(observation.component, list):
        own = set(_codings(observation.code))
        for component in observation.component:
            # obs-7 compares coding sets; R4's own words: "if code is the same as a component's".
            if own and own & set(_codings(component.code)) and _given(component, "value_"):
                return "obs-7: a component with the observation's own code and value", "keep one"
    return None


def _codings(concept: Any) -> Iterator[tuple[object, object]]:
    if concept is not UNSET and concept.coding is not UNSET:
        for coding in concept.coding:
            if coding.code is not UNSET:
                yield coding.system, coding.code


def _reference_range(band: r4.ObservationReferenceRange) -> Problem:
    if not _has(band.low, band.high, band.text):
        return "obs-3: a reference range without low, high or text", "add one"
    return None


def _contact(contact: r4.PatientContact) -> Problem:
    if not _has(contact.name, contact.telecom, contact.address, contact.organization):
        return "pat-1: a contact without any detail", "add one"
    return None


ACTIVE_STATES = ("active", "recurrence", "relapse")


def _condition(condition: r4.Condition) -> Problem:
    clinical = {code for _, code in _codings(condition.clinical_status)}
    verification = {code for _, code in _codings(condition.verification_status)}
    if _given(condition, "abatement_") and clinical & set(ACTIVE_STATES):
        return "con-4: abated, yet active", "correct clinicalStatus"
    if "entered-in-error" in verification and clinical:
        return "con-5: a clinical status on an entry made in error", "remove clinicalStatus"
    return None


def _allergy(allergy: r4.AllergyIntolerance) -> Problem:
    clinical = _has(allergy.clinical_status)
    wrong = "entered-in-error" in {code for _, code in _codings(allergy.verification_status)}
    if wrong and clinical:
        return "ait-2: a clinical status on an entry made in error", "remove clinicalStatus"
    if not wrong and not clinical:
        return "ait-1: no clinical status", "add clinicalStatus"
    return None


def _organization(organization: r4.Organization) -> Problem:
    if not _has(organization.identifier, organization.name, organization.name_):
        return "org-1: neither identifier nor name", "add one"
    return None


def _activity(activity: r4.CarePlanActivity) -> Problem:
    if _has(activity.detail) and _has(activity.reference):
        return "cpl-3: a reference and a detail", "keep one"
    return None


def _timing(repeat: r4.TimingRepeat) -> Problem:
    if _has(repeat.duration) and not _has(repeat.duration_unit):
        return "tim-1: a duration without its unit", "add durationUnit"
    if _has(repeat.period) and not _has(repeat.period_unit):
        return "tim-2: a period without its unit", "add periodUnit"
    if _has(repeat.when) and _has(repeat.time_of_day):
        return "tim-10: a time of day and an event", "keep one"
    return None


def _domain(resource: r4.DomainResource) -> Problem:
    contained = resource.contained
    if contained is UNSET:
        return None
    wanted = set(_fragments(resource))
    for one in contained:
        if getattr(one, "contained", UNSET) is not UNSET:
            return "dom-2: a contained resource that contains another", "flatten them"
        if one.meta is not UNSET and _has(one.meta.version_id, one.meta.last_updated):
            return "dom-4: a contained resource with a version of its own", "remove its meta"
        if one.meta is not UNSET and _has(one.meta.security):
            return "dom-5: a contained resource with a security label", "label the container"
        if one.id is UNSET or (one.id not in wanted and "" not in set(_fragments(one))):
            return "dom-3: a contained resource that nothing refers to", "refer to it or remove it"
    return None


def _fragments(element: object) -> Iterator[str]:
    """Yield the targets of every `#` reference, canonical or uri below an element."""
    stack = [element]
    while stack:
        current = stack.pop()
        if isinstance(current, Strict):
            stack.extend(one for one in astuple(current) if one is not UNSET)
        elif isinstance(current, list):
            stack.extend(current)
        elif isinstance(current, str) and current[:1] == "#":
            yield current[1:]


def whole(resource: r4.Resource) -> Problem:
    """Judge what only the outermost resource can answer for: ref-1, that its fragments resolve."""
    contained = getattr(resource, "contained", UNSET)
    known = {""} if contained is UNSET else {"", *(one.id for one in contained)}
    stack: list[object] = _inner(resource)
    while stack:
        current = stack.pop()
        if isinstance(current, r4.Reference):
            target = current.reference
            if isinstance(target, str) and target[:1] == "#" and target[1:] not in known:
                return "ref-1: a # reference to nothing contained", "contain it"
        elif isinstance(current, list):
            stack.extend(current)
        elif isinstance(current, Strict) and not isinstance(current, r4.BundleEntry):
            # The resource of an entry answers for itself.
            stack += _inner(current)
    return None


def _inner(element: Strict) -> list[object]:
    """Return the elements and lists that stand directly in a struct."""
    return [one for one in astuple(element) if one is not UNSET and isinstance(one, Strict | list)]


REQUEST_TYPES = ("batch", "transaction", "history")
RESPONSE_TYPES = ("batch-response", "transaction-response", "history")


def _bundle(bundle: r4.Bundle) -> Problem:
    kind = bundle.type
    entries = bundle.entry if isinstance(bundle.entry, list) else []
    if _has(bundle.total) and kind not in {"searchset", "history"}:
        return "bdl-1: a total outside searchset and history", "remove total"
    if kind == "document" and not (entries and type(entries[0].resource).__name__ == "Composition"):
        return "bdl-11: a document that does not begin with a Composition", "put it first"
    seen: set[tuple[str, object]] = set()
    for entry in entries:
        problem = _entry(entry, str(kind))
        if problem is not None:
            return problem
        if isinstance(entry.full_url, str) and kind != "history":
            meta = UNSET if entry.resource is UNSET else entry.resource.meta
            key = (entry.full_url, UNSET if meta is UNSET else meta.version_id)
            if key in seen:
                return "bdl-7: a fullUrl given twice", "give it once"
            seen.add(key)
    return None


def _entry(entry: r4.BundleEntry, kind: str) -> Problem:
    if _has(entry.search) and kind != "searchset":
        return "bdl-2: entry.search outside a searchset", "remove it"
    if _has(entry.request) != (kind in REQUEST_TYPES):
        return "bdl-3: entry.request where the type has none, or none where it has", "correct it"
    if _has(entry.response) != (kind in RESPONSE_TYPES):
        return "bdl-4: entry.response where the type has none, or none where it has", "correct it"
    if not _has(entry.resource, entry.request, entry.response):
        return "bdl-5: an empty entry", "add a resource, request or response"
    if isinstance(entry.full_url, str) and "/_history/" in entry.full_url:
        return "bdl-8: a version in fullUrl", "remove it"
    return None


INVARIANTS: dict[str, tuple[Rule, ...]] = {
    **dict.fromkeys(("Quantity", "Age", "Count", "Distance", "Duration"), (_quantity,)),
    "AllergyIntolerance": (_allergy,),
    "Attachment": (_attachment,),
    "Bundle": (_bundle,),
    "CarePlanActivity": (_activity,),
    "Condition": (_condition,),
    "ContactPoint": (_contact_point,),
    "DomainResource": (_domain,),
    "Extension": (_extension,),
    "Narrative": (_narrative,),
    "Observation": (_observation,),
    "ObservationReferenceRange": (_reference_range,),
    "Organization": (_organization,),
    "PatientContact": (_contact,),
    "Period": (_period,),
    "Range": (_range,),
    "Ratio": (_ratio,),
    "TimingRepeat": (_timing,),
}
