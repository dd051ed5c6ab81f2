"""Whose record is it? Judged by identifiers alone: never by a name, a birth date or an address.

An identifier is a (system, value) pair that an operator has bound to a patient. What neither shares
an identifier nor contradicts one is unknown, and it is for a person to say.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from pulsekey.resources.documents import Clinical

Identifier = tuple[str, str]

_SEARCH: Final = "Patient?identifier="


class Match(StrEnum):
    """How identifiers found in a payload stand to those bound to the chosen patient."""

    SAME = "same"
    CONTRADICTS = "contradicts"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PatientFound:
    """One patient of a payload: every name under which it is referred to, and its identifiers."""

    names: frozenset[str]
    identifiers: frozenset[Identifier]


def match(found: Iterable[Identifier], bound: Iterable[Identifier]) -> Match:
    """Compare identifiers. A system that differs outweighs one that agrees."""
    theirs, ours = _by_system(found), _by_system(bound)
    shared = theirs.keys() & ours.keys()
    if any(theirs[system].isdisjoint(ours[system]) for system in shared):
        return Match.CONTRADICTS
    return Match.SAME if shared else Match.UNKNOWN


def patients_in(documents: Iterable[Clinical]) -> tuple[PatientFound, ...]:
    """Return every patient that `documents` are about, in the order of their first appearance.

    A subject that no Patient resource stands for is a patient of its own; what is known to be
    something else (a group, a device, a place) is none.
    """
    patients: list[PatientFound] = []
    subjects: dict[str, None] = {}
    others: set[str] = set()
    for document in documents:
        names = {document.key}
        if document.resource_id:
            names.add(f"{document.resource_type}/{document.resource_id}")
        if document.resource_type == "Patient":
            _merge(patients, PatientFound(frozenset(names), frozenset(document.identifiers)))
        else:
            others |= names
            if document.subject:
                subjects[document.subject] = None
    for subject in subjects:
        if subject in others or subject.startswith(("Group/", "Device/", "Location/", "#")):
            continue
        if not any(_stands_for(patient, subject) for patient in patients):
            patients.append(PatientFound(frozenset({subject}), _searched(subject)))
    return tuple(patients)


def patient_of(document: Clinical, patients: Iterable[PatientFound]) -> PatientFound | None:
    """Return the one patient that `document` is about; None if there is none, or no single one."""
    found = [patient for patient in patients if _stands_for(patient, document.subject)]
    return found[0] if len(found) == 1 else None


def judge(
    document: Clinical, patients: Iterable[PatientFound], bound: Iterable[Identifier]
) -> Match:
    """Say whether `document` is about the patient to whom `bound` are bound.

    What the document itself says of its subject and what the payload says of the patient it refers
    to both count, and either may contradict. A document without a subject is unknown: it is for
    the importer to say.
    """
    bound = tuple(bound)
    patient = patient_of(document, patients)
    known = patient.identifiers if patient is not None else frozenset()
    own = [identifier for identifier in document.identifiers if identifier not in known]
    judged = {match(own, bound), match(known, bound)}
    for weightier in (Match.CONTRADICTS, Match.SAME):
        if weightier in judged:
            return weightier
    return Match.UNKNOWN


def _merge(patients: list[PatientFound], new: PatientFound) -> None:
    """Add `new`, or its names to a patient with the same name or the same identifiers."""
    for at, known in enumerate(patients):
        same_name = any(name in known.names for name in new.names if "://" in name or ":" in name)
        if same_name or match(new.identifiers, known.identifiers) is Match.SAME:
            patients[at] = replace(
                known,
                names=known.names | new.names,
                identifiers=known.identifiers | new.identifiers,
            )
            return
    patients.append(new)


def _stands_for(patient: PatientFound, subject: str) -> bool:
    return subject in patient.names or bool(_searched(subject) & patient.identifiers)


def _searched(subject: str) -> frozenset[Identifier]:
    """Return the identifier that a conditional reference searches for."""
    if not subject.startswith(_SEARCH):
        return frozenset()
    system, bar, value = subject.removeprefix(_SEARCH).partition("|")
    return frozenset({(system, value)}) if bar and system and value else frozenset()


def _by_system(identifiers: Iterable[Identifier]) -> dict[str, set[str]]:
    grouped: dict[str, set[str]] = {}
    for system, value in identifiers:
        if system and value:
            grouped.setdefault(system, set()).add(value)
    return grouped
