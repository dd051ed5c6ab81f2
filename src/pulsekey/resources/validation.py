"""The thorough path: what R4 demands of a resource beyond the shape of its JSON.

Every struct is walked once. Generated facts say what must be there, which choices exclude each
other, what a reference may name and which codes a concept must hold; `invariants` has the rules.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from msgspec import UNSET
from msgspec.structs import astuple

from pulsekey.resources import r4
from pulsekey.resources.facts import FACTS
from pulsekey.resources.finding import FINDINGS_MAX, Finding
from pulsekey.resources.invariants import DATES, INVARIANTS, legal_date, whole
from pulsekey.resources.strict import Fact, Strict, fhir_name

__all__ = ["FINDINGS_MAX", "Finding", "findings"]

DEPTH_MAX = 64

_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")


def findings(resource: r4.AnyResource) -> list[Finding]:
    """Return the rules that `resource` breaks, at most `FINDINGS_MAX`, in document order."""
    return list(islice(_walk(resource, type(resource).__name__, 0), FINDINGS_MAX))


class _Plan:
    """How one struct is walked, worked out once."""

    def __init__(self, kind: type[Strict]) -> None:
        self.names = kind.__struct_fields__
        self.json = tuple(map(fhir_name, self.names))
        self.fact = _fact(kind)
        self.concepts = tuple((name, dict(codes)) for name, codes in self.fact.concepts)
        self.dates = DATES.get(kind.__name__, frozenset())
        self.rules = tuple(
            rule for base in kind.__mro__ for rule in INVARIANTS.get(base.__name__, ())
        )


def _fact(kind: type[Strict]) -> Fact:
    """Return the facts of a struct together with those it inherits."""
    own = FACTS[kind.__name__]
    for base in kind.__mro__[1:]:
        inherited = FACTS.get(base.__name__)
        if inherited is not None:
            own = Fact(
                own.path,
                own.required + inherited.required,
                own.choices + inherited.choices,
                own.references + inherited.references,
                own.concepts + inherited.concepts,
            )
    return own


_PLANS: dict[type[Strict], _Plan] = {}


def _walk(element: Strict, where: str, depth: int) -> Iterator[Finding]:
    kind = type(element)
    plan = _PLANS.get(kind)
    if plan is None:
        plan = _PLANS[kind] = _Plan(kind)
    if depth > DEPTH_MAX:
        yield Finding(where, "nested too deeply", "flatten it")
        return
    present = False
    for name, json_name, value in zip(plan.names, plan.json, astuple(element), strict=True):
        if value is UNSET:
            continue
        present = present or name != "id"
        if isinstance(value, Strict):
            yield from _walk(value, f"{where}.{json_name}", depth + 1)
        elif type(value) is list:
            yield from _walk_list(element, name, f"{where}.{json_name}", depth)
        elif name in plan.dates and not legal_date(value):
            yield Finding(f"{where}.{json_name}", "not a day of the calendar", "correct the date")
    yield from _judged(element, plan, where, present=present)


def _judged(element: Strict, plan: _Plan, where: str, *, present: bool) -> Iterator[Finding]:
    """Judge an element as a whole, after its children."""
    if not (present or isinstance(element, r4.Resource)):
        yield Finding(where, "ele-1: an element without value or children", "leave it out")
    yield from _presence(plan, element, where)
    yield from _names(plan, element, where)
    problems = [rule(element) for rule in plan.rules]
    contained = ".contained[" in where[where.rfind(".resource") + 1 :]
    if isinstance(element, r4.Resource) and not contained:
        problems.append(whole(element))
    for problem in problems:
        if problem is not None:
            yield Finding(where, *problem)


def _walk_list(element: Strict, name: str, where: str, depth: int) -> Iterator[Finding]:
    for index, value in enumerate(getattr(element, name)):
        if isinstance(value, Strict):
            yield from _walk(value, f"{where}[{index}]", depth + 1)
        elif value is None and not _stands_in(element, name, index):
            yield Finding(f"{where}[{index}]", "null", "leave it out")


def _stands_in(element: Strict, name: str, index: int) -> bool:
    """Whether the other list of a primitive pair has something where this one has null."""
    other = name.removesuffix("_") if name.endswith("_") else f"{name}_"
    companion = getattr(element, other, UNSET)
    return isinstance(companion, list) and index < len(companion) and companion[index] is not None


def _presence(plan: _Plan, element: Strict, where: str) -> Iterator[Finding]:
    """Judge what must be there, and what must not be there together."""
    for name in plan.fact.required:
        if not _given(element, name):
            yield Finding(f"{where}.{fhir_name(name)}", "missing", "add it")
    for needed, group in plan.fact.choices:
        count = sum(_given(element, name) for name in group)
        if count > 1:
            yield Finding(f"{where}.{_stem(group)}[x]", "more than one type given", "keep one")
        elif needed and not count:
            yield Finding(f"{where}.{_stem(group)}[x]", "missing", "add one of its types")


def _given(element: Strict, name: str) -> bool:
    return getattr(element, name) is not UNSET or getattr(element, f"{name}_", UNSET) is not UNSET


def _names(plan: _Plan, element: Strict, where: str) -> Iterator[Finding]:
    """Judge what references and concepts name."""
    for name, targets in plan.fact.references:
        for reference in _each(getattr(element, name)):
            named = _named_type(reference)
            if named and named not in targets:
                problem, cure = f"refers to a {named}", f"refer to {' or '.join(targets)}"
                yield Finding(f"{where}.{fhir_name(name)}", problem, cure)
    for name, codes in plan.concepts:
        if not all(_bound(concept, codes) for concept in _each(getattr(element, name))):
            place = f"{where}.{fhir_name(name)}"
            yield Finding(place, "no code of the required value set", "use one of its codes")


def _each(value: Any) -> Iterable[Any]:
    if value is UNSET:
        return ()
    return value if isinstance(value, list) else (value,)


def _stem(group: tuple[str, ...]) -> str:
    """Return the JSON name that a choice begins with: value of valueQuantity and valueString."""
    words = [name.split("_") for name in group]
    shared = [column[0] for column in zip(*words, strict=False) if len(set(column)) == 1]
    return fhir_name("_".join(shared or words[0]))


def _named_type(reference: r4.Reference) -> str:
    """Return the type that a literal reference names, "" for `#`, urn: and opaque ones."""
    text = reference.reference
    if not isinstance(text, str) or text.startswith(("#", "urn:")):
        return ""
    path, query, _ = text.partition("?")
    parts = path.partition("/_history/")[0].split("/")
    named = parts[0] if query else parts[-2] if len(parts) > 1 else ""
    return named if _TYPE.fullmatch(named) else ""


def _bound(concept: Any, codes: dict[str, tuple[str, ...]]) -> bool:
    """Whether a CodeableConcept or Coding holds a code of `codes`, or an extension in its stead."""
    if concept.extension is not UNSET:
        return True
    return any(
        coding.code in codes.get(coding.system if isinstance(coding.system, str) else "", ())
        for coding in ((concept,) if isinstance(concept, r4.Coding) else _each(concept.coding))
    )
