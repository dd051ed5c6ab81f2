"""No text for people is put together from words: what is raised or refused is in the catalogues.

The scan follows each argument of an error or a refusal back to the literals that it can be: through
names, conditions, tables, parameters (to every call in the same package) and functions (to what
they return). What it cannot follow to a literal, a template or data is a finding.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import pytest

from pulsekey.api.callers import Access
from pulsekey.identity.lifecycle import Event, Status
from pulsekey.primitives import messages

SOURCE = Path(__file__).parents[2] / "src" / "pulsekey"
PACKAGES = ("ingest", "exchange", "identity", "consent", "vault", "api", "quality", "signals")
"""What they raise may be shown on a page. The others speak to operators and to programs."""

OPERATORS = {
    "vault/embedded.py": "key files and blob folders of the operator",
    "quality/chunks.py": "a mistake in a program",
    "quality/overlap.py": "a mistake in a program",
    "signals/series.py": "a mistake in a program",
    "identity/embedded.py": "the node's own keys",
    "identity/software_passkey.py": "the key file of a program",
    "identity/sealing.py": "the node's own keys",
    "identity/relying_party.py": "the node's own address",
    "exchange/search_records.py": "what programs ask of the FHIR interface",
    "api/fhir.py": "what programs ask of the FHIR interface",
    "exchange/mark_file.py": "a file of the node",
    "ingest/refusals.py": "passes on what parsers refuse, which is followed at the parsers",
}
"""Files whose errors no page shows in words; a page says of them what kind of failure it is."""

ERRORS = {
    "MalformedInput",
    "NotAuthenticated",
    "AccessDenied",
    "NotFound",
    "Conflict",
    "Unavailable",
    "Refusal",
}
METHODS = {"one": ("where", "problem", "cure"), "kind": ("where", "problem", "cure")}
QUARANTINE = ("where", "what", "problem")
SHOWN = ("problem", "where", "cure")
IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*|[\w-]+\.[\w.]+|")
"""A member of a request: named to programs, never shown on a page."""
DATA = re.compile(
    r"\b(name|record|kind|element|where|place|path|template)$|\.(where|path|code|name)\b"
)
DEPTH_MAX = 8


@dataclass(frozen=True, slots=True)
class Module:
    path: Path
    tree: ast.Module
    constants: dict[str, ast.expr] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.path.relative_to(SOURCE).as_posix()


@dataclass(slots=True)
class Scan:
    """What can be said in one package, by place, and what could not be followed."""

    modules: list[Module]
    templates: dict[str, str] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def run(self) -> None:
        for module in self.modules:
            for function, call in calls(module.tree):
                if called(call) == "Said" and call.args:
                    self._follow(call.args[0], module, function, f"{module.name}:{call.lineno}")
                if module.name not in OPERATORS:
                    for role, argument in shown(call):
                        place = f"{module.name}:{argument.lineno} {role}"
                        self._follow(argument, module, function, place)

    def _follow(  # noqa: C901, PLR0912  One case for each form of an expression.
        self,
        node: ast.expr,
        module: Module,
        function: ast.FunctionDef | None,
        place: str,
        depth: int = 0,
    ) -> None:
        if depth > DEPTH_MAX:
            return

        def on(inner: ast.expr, at: ast.FunctionDef | None = function) -> None:
            self._follow(inner, module, at, place, depth + 1)

        match node:
            case ast.Constant(value=str(text)):
                if text and not (place.endswith("where") and IDENTIFIER.fullmatch(text)):
                    self.templates.setdefault(text, place)
            case ast.Constant():
                pass
            case ast.JoinedStr(values=values) if not any(map(worded, values)):
                pass
            case ast.BoolOp(values=values):
                for value in values:
                    on(value)
            case ast.IfExp(body=one, orelse=two):
                on(one)
                on(two)
            case ast.Dict(values=values) | ast.Tuple(elts=values):
                for value in values:
                    on(value)
            case ast.Subscript(value=table):
                on(table)
            case ast.Call(func=ast.Name(id="Said"), args=[template, *_]):
                on(template)
            case ast.Call(func=ast.Attribute(attr="get"), args=[_, otherwise]) as got:
                assert isinstance(got.func, ast.Attribute)
                on(got.func.value)
                on(otherwise)
            case ast.Call():
                self._returned(node, module, place, depth)
            case ast.Starred(value=value):
                on(value)
            case ast.Name(id=name):
                self._named(name, module, function, place, depth)
            case ast.Attribute() if DATA.search(ast.unparse(node)):
                pass
            case ast.Attribute(attr=name):
                self._attribute(name, place, depth)
            case _ if place.endswith("where") and not isinstance(node, ast.JoinedStr):
                pass
            case _:
                self.findings.append(f"{place}: {ast.unparse(node)}")

    def _named(
        self, name: str, module: Module, function: ast.FunctionDef | None, place: str, depth: int
    ) -> None:
        if function is not None:
            bound = list(assigned(name, function))
            for value in bound:
                self._follow(value, module, function, place, depth + 1)
            parameters = [one.arg for one in (*function.args.args, *function.args.kwonlyargs)]
            if name in parameters:
                self._passed(name, parameters.index(name), function, module, place, depth)
                return
            if bound:
                return
        for each in (module, *self.modules):
            if name in each.constants:
                self._follow(each.constants[name], each, None, place, depth + 1)
                return
        if not DATA.search(name):
            self.findings.append(f"{place}: {name} is bound to nothing that is known")

    def _passed(
        self,
        name: str,
        index: int,
        function: ast.FunctionDef,
        module: Module,
        place: str,
        depth: int,
    ) -> None:
        """Follow a parameter to what every call in the package gives for it."""
        method = bool(function.args.args) and function.args.args[0].arg == "self"
        own = function.name.startswith("_")
        for each in [module] if own else self.modules:
            for outer, call in calls(each.tree):
                if called(call) != function.name:
                    continue
                named = [one.value for one in call.keywords if one.arg == name]
                at = index - method
                given = named or call.args[at : at + 1]
                for argument in given:
                    if not isinstance(argument, ast.Starred):
                        self._follow(argument, each, outer, place, depth + 1)

    def _returned(self, call: ast.Call, module: Module, place: str, depth: int) -> None:
        """Follow a call to what its function, in the same module, returns or yields."""
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef) and node.name == called(call):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return | ast.Yield) and inner.value is not None:
                        for value in parts(inner.value):
                            self._follow(value, module, node, place, depth + 1)
                return
        # msgspec names the member of a request that does not fit; a page does not show it.
        if called(call) not in {"sub", "join", "text_from"} and not place.endswith("where"):
            self.findings.append(f"{place}: {ast.unparse(call)}")

    def _attribute(self, name: str, place: str, depth: int) -> None:
        """Follow a field to everything that the package puts into it."""
        for each in self.modules:
            for target, value in bindings(each.tree):
                if target == name.lstrip("_"):
                    for part in parts(value):
                        self._follow(part, each, None, place, depth + 1)
        known = name in {"problem", "cure", "status", "title", "access"} or name.isupper()
        if not known and not place.endswith("where"):
            self.findings.append(f"{place}: .{name}")


def bindings(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield what is put into a field, a table that is one, or a problem, with its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                table = target.value if isinstance(target, ast.Subscript) else target
                if isinstance(table, ast.Attribute):
                    yield table.attr.lstrip("_"), node.value
                elif isinstance(table, ast.Name) and table.id == "problem":
                    yield table.id, node.value


def calls(tree: ast.AST) -> Iterator[tuple[ast.FunctionDef | None, ast.Call]]:
    """Yield every call with the innermost function around it."""

    def walk(
        node: ast.AST, inside: ast.FunctionDef | None
    ) -> Iterator[tuple[ast.FunctionDef | None, ast.Call]]:
        for child in ast.iter_child_nodes(node):
            around = child if isinstance(child, ast.FunctionDef) else inside
            if isinstance(child, ast.Call):
                yield inside, child
            yield from walk(child, around)

    yield from walk(tree, None)


def called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def shown(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Yield the arguments of an error, a refusal or a quarantine that are shown to people."""
    name = called(call)
    if name in ERRORS:
        order = ("where", "problem", "cure") if name == "Refusal" else ("problem",)
        yield from zip(order, call.args, strict=False)
        for keyword in call.keywords:
            if keyword.arg in SHOWN:
                yield keyword.arg, keyword.value
    elif name in METHODS and "refusals" in ast.unparse(call.func):
        yield from zip(METHODS[name], call.args, strict=False)
    elif name == "_refuse":
        yield "template", call.args[0]
    elif name == "quarantine":
        yield "problem", call.args[2]


def assigned(name: str, function: ast.FunctionDef) -> Iterator[ast.expr]:
    """Yield what `name` is bound to in a function; of a tuple, the member that is meant."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[target], value=value):
                yield from member(name, target, value)
            case ast.For(target=target, iter=source):
                yield from member(name, target, source)


def member(name: str, target: ast.expr, value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Name) and target.id == name:
        yield value
    elif isinstance(target, ast.Tuple):
        names = [one.id if isinstance(one, ast.Name) else "" for one in target.elts]
        if name in names:
            yield value


def worded(value: ast.expr) -> bool:
    """Whether a part of an f-string is more than what joins the parts of a file's name."""
    return isinstance(value, ast.Constant) and str(value.value) not in {".", "/"}


def parts(value: ast.expr) -> list[ast.expr]:
    return list(value.elts) if isinstance(value, ast.Tuple) else [value]


def package(name: str) -> Scan:
    modules = []
    for path in sorted((SOURCE / name).rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        modules.append(Module(path, tree, constants))
    scan = Scan(modules)
    scan.run()
    return scan


@pytest.mark.parametrize("name", PACKAGES)
def test_what_is_raised_or_refused_is_a_template_of_the_catalogue(name: str) -> None:
    scan = package(name)
    missing = {
        f"{place}: {text!r}" for text, place in scan.templates.items() if not messages.code_of(text)
    }
    assert missing == set(), "write it into primitives/catalogue/*.json, in every language"
    assert scan.findings == [], "say a template with Said(...) or a literal, no text made of words"


@pytest.mark.parametrize("words", [Status, Event, Access])
def test_the_words_of_an_enumeration_that_is_said_are_in_the_catalogue(
    words: type[StrEnum],
) -> None:
    assert [one for one in words if not messages.code_of(one.value)] == []
