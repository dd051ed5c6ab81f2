"""Every place of an R4 resource where a code can stand, from the definitions; and resources that
carry one there."""

import types
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from pulsekey.resources import r4

Steps = tuple[tuple[str, bool], ...]
"""Names from the resource inwards, each with whether the element repeats."""

DEEP = 4
CODED = {"CodeableConcept", "Coding"}
PATIENT = {"reference": "Patient/p"}


def coded_paths(kind: str, *, depth: int = DEEP) -> tuple[Steps, ...]:
    """Return every path to a CodeableConcept or Coding of a type, extensions and meta included."""
    return tuple(steps for steps, _ in _paths(getattr(r4, kind), depth))


@cache
def _paths(struct: type, depth: int) -> tuple[tuple[Steps, str], ...]:
    found: list[tuple[Steps, str]] = []
    hints = get_type_hints(struct, include_extras=False)
    for field in msgspec.structs.fields(struct):
        for inner, many in _structs(hints[field.name]):
            step = (field.encode_name, many)
            if inner.__name__ in CODED:
                found.append(((step,), inner.__name__))
            elif depth > 1 and field.encode_name != "contained":
                found += [((step, *rest), last) for rest, last in _paths(inner, depth - 1)]
    return tuple(found)


def _structs(hint: Any, *, many: bool = False) -> Iterator[tuple[type, bool]]:
    origin = get_origin(hint)
    if origin is Literal:
        return
    if origin in {Union, types.UnionType}:
        for one in get_args(hint):
            yield from _structs(one, many=many)
    elif origin is list:
        yield from _structs(get_args(hint)[0], many=True)
    elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint, many


def placed(steps: Steps, system: str, code: str, struct: type | None = None) -> dict[str, Any]:
    """Return the element at the beginning of a path, with a code at its end and nothing else."""
    coding: Any = {"system": system, "code": code}
    kind = _kind_at(steps, struct) if struct is not None else "CodeableConcept"
    value = coding if kind == "Coding" else {"coding": [coding]}
    for name, many in reversed(steps):
        value = {name: [value] if many else value}
    return dict(value)


def _kind_at(steps: Steps, struct: type) -> str:
    return dict(_paths(struct, DEEP))[steps]


def merged(plain: Any, added: Any) -> Any:
    """Return one tree with everything of two; what both say, `plain` has first."""
    if isinstance(plain, dict) and isinstance(added, dict):
        out = dict(plain)
        for name, value in added.items():
            out[name] = merged(out[name], value) if name in out else value
        return out
    if isinstance(plain, list) and isinstance(added, list):
        return [*plain, *added]
    return added


def plain(kind: str) -> dict[str, Any]:
    """Return a resource of a type that opens under an ordinary category, if the type has one."""
    return {"resourceType": kind, "id": kind.lower(), **_PLAIN.get(kind, {})}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


_SCT, _LOINC = "http://snomed.info/sct", "http://loinc.org"
_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_DAY = "2020-03-04"
_PARTY = {"display": "City Clinic"}
_MEDICINE = {"medicationCodeableConcept": _concept(_RXNORM, "314076"), "subject": PATIENT}
_BILL: dict[str, Any] = {
    "status": "active",
    "type": _concept("http://terminology.hl7.org/CodeSystem/claim-type", "pharmacy"),
    "use": "claim",
    "patient": PATIENT,
    "created": _DAY,
    "provider": _PARTY,
    "insurer": _PARTY,
    "outcome": "complete",
    "priority": _concept("http://terminology.hl7.org/CodeSystem/processpriority", "normal"),
    "insurance": [{"sequence": 1, "focal": True, "coverage": _PARTY}],
}
_PLAIN: dict[str, dict[str, Any]] = {
    "AllergyIntolerance": {"patient": PATIENT, "recordedDate": _DAY, "code": {"text": "peanut"}},
    "CarePlan": {
        "status": "active",
        "intent": "plan",
        "subject": PATIENT,
        "created": _DAY,
        "category": [_concept(_SCT, "734163000")],
    },
    "CareTeam": {"subject": PATIENT, "period": {"start": _DAY, "end": _DAY}},
    "Claim": _BILL,
    "ClaimResponse": _BILL,
    "Condition": {"subject": PATIENT, "recordedDate": _DAY, "code": _concept(_SCT, "38341003")},
    "Coverage": {"status": "active", "beneficiary": PATIENT, "payor": [_PARTY]},
    "Device": {"patient": PATIENT, "type": _concept(_SCT, "706004007")},
    "DeviceUseStatement": {"status": "active", "subject": PATIENT, "device": {"reference": "D/1"}},
    "DiagnosticReport": {
        "status": "final",
        "subject": PATIENT,
        "issued": f"{_DAY}T10:00:00Z",
        "code": _concept(_LOINC, "58410-2"),
    },
    "DocumentReference": {
        "status": "current",
        "subject": PATIENT,
        "date": f"{_DAY}T10:00:00Z",
        "content": [{"attachment": {"title": "letter"}}],
    },
    "Encounter": {
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": PATIENT,
        "period": {"start": _DAY, "end": _DAY},
    },
    "ExplanationOfBenefit": _BILL,
    "ImagingStudy": {"status": "available", "subject": PATIENT, "started": _DAY},
    "Immunization": {
        "status": "completed",
        "vaccineCode": {"text": "influenza"},
        "patient": PATIENT,
        "occurrenceDateTime": _DAY,
    },
    "Medication": {"code": _concept(_RXNORM, "314076")},
    "MedicationAdministration": {"status": "completed", "effectiveDateTime": _DAY, **_MEDICINE},
    "MedicationRequest": {"status": "active", "intent": "order", "authoredOn": _DAY, **_MEDICINE},
    "MedicationStatement": {"status": "active", "effectiveDateTime": _DAY, **_MEDICINE},
    "Observation": {
        "status": "final",
        "subject": PATIENT,
        "effectiveDateTime": _DAY,
        "code": _concept(_LOINC, "718-7"),
    },
    "Patient": {"identifier": [{"system": "urn:example:mrn", "value": "1"}]},
    "Procedure": {
        "status": "completed",
        "subject": PATIENT,
        "performedDateTime": _DAY,
        "code": _concept(_SCT, "73761001"),
    },
    "RelatedPerson": {"patient": PATIENT},
    "SupplyDelivery": {"patient": PATIENT, "occurrenceDateTime": _DAY},
}
