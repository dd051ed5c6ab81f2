"""JSON in, struct out, and back: exact decimals, and an error that names the place and the cure.

`decode` is the fast path: closed objects, types, lists, patterns and code lists, run by C code.
`read` is the thorough path: what `validation` adds to it. Bytes from outside go through `read`;
bytes that this node itself has already judged may take `decode`.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from pulsekey.primitives.errors import MalformedInput
from pulsekey.resources.r4 import AnyResource
from pulsekey.resources.strict import DIGITS_MAX, EXPONENT_MAX, Exact
from pulsekey.resources.validation import Finding, findings

CONTENT_BYTES_MAX = 64 * 1024 * 1024
ROOT_BYTES_MAX = 4096
TYPES = frozenset(kind.__name__ for kind in get_args(AnyResource))
"""The types of resources that this node knows."""

_PLACE = re.compile(r"^(.*?)(?: - at `(?:key in )?\$([^`]*)`)?$", re.DOTALL)
_NAME = re.compile(r"`([A-Za-z_][A-Za-z0-9]{0,63})`")
_CONTROL = re.compile(rb"\\u00(?:0[0-8bBcCeEfF]|1[0-9a-fA-F])")


def _exact(kind: type, value: object) -> object:
    """Make an `Exact` of what the JSON held: an integer, or the text of a fraction."""
    if kind is not Exact or isinstance(value, bool) or not isinstance(value, int | Exact):
        raise ValueError("Expected a number")
    number = Exact(value)
    _, digits, exponent = number.as_tuple()
    if len(digits) > DIGITS_MAX or not isinstance(exponent, int) or abs(exponent) > EXPONENT_MAX:
        raise ValueError("Expected a shorter number")
    return number


def _raw(value: object) -> object:
    if isinstance(value, Exact):
        return msgspec.Raw(str(value).encode())
    raise TypeError(type(value).__name__)


_DECODER: msgspec.json.Decoder[AnyResource] = msgspec.json.Decoder(
    AnyResource, dec_hook=_exact, float_hook=Exact
)
_ENCODER = msgspec.json.Encoder(enc_hook=_raw)


def decode(content: bytes) -> AnyResource:
    """Return the resource in `content`, judged by its shape, or raise `MalformedInput`."""
    if len(content) > CONTENT_BYTES_MAX:
        raise MalformedInput("a resource too large", cure=f"at most {CONTENT_BYTES_MAX} bytes")
    try:
        return _DECODER.decode(content)
    except msgspec.ValidationError as error:
        raise _explained(str(error), content) from None
    except msgspec.DecodeError as error:
        raise MalformedInput(str(error), where="JSON", cure="send well-formed JSON") from None
    except UnicodeDecodeError:
        raise MalformedInput("not UTF-8", where="JSON", cure="send UTF-8") from None
    except RecursionError:
        raise MalformedInput("nested too deeply", where="JSON", cure="flatten it") from None


def read(content: bytes) -> AnyResource:
    """Return the resource in `content`, judged by every rule we know, or raise `MalformedInput`."""
    resource = decode(content)
    found = judge(content, resource)
    if found:
        first = found[0]
        more = f"; and {len(found) - 1} more" if len(found) > 1 else ""
        raise MalformedInput(f"{first.problem}{more}", where=first.where, cure=first.cure)
    return resource


def judge(content: bytes, resource: AnyResource) -> tuple[Finding, ...]:
    """Return every rule that `resource`, decoded from `content`, breaks beyond its shape."""
    found: list[Finding] = []
    root = type(resource).__name__
    if _CONTROL.search(content):
        found.append(Finding(root, "a control character in a string", "only tab, CR and LF"))
    if _repeats_a_key(content):
        found.append(Finding(root, "a property given twice", "give it once"))
    found.extend(findings(resource))
    return tuple(found)


def encode(resource: AnyResource) -> bytes:
    """Return `resource` as JSON, each decimal with the digits it came with."""
    return _ENCODER.encode(resource)


class _Repeated(Exception):
    """A signal inside this file only."""


def _once(pairs: Iterable[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise _Repeated


def _repeats_a_key(content: bytes) -> bool:
    try:
        json.loads(content, object_pairs_hook=_once, parse_float=str, parse_int=str)
    except _Repeated:
        return True
    return False


def _explained(message: str, content: bytes) -> MalformedInput:
    """Turn the decoder's message into ours, without any value that the resource holds."""
    matched = _PLACE.match(message)
    assert matched is not None  # The pattern matches any text.
    said, path = matched[1], matched[2] or ""
    named = _NAME.search(said)
    name = named[1] if named else ""
    where = f"{_root(content)}{path}"
    if said.startswith("Object contains unknown field") and name:
        where = f"{where}.{name}"
    if said.startswith("Invalid value") or (said.startswith("Object missing") and not path):
        return MalformedInput(
            "a resource type that this node does not know", where=where, cure="see metadata"
        )
    for beginning, problem, cure in _EXPLANATIONS:
        if beginning in said:
            return MalformedInput(problem, where=where, cure=cure)
    # What is left speaks of JSON types and bounds only: "Expected `int`, got `str`".
    return MalformedInput(said.replace("`", ""), where=where, cure="see R4 datatypes")


_EXPLANATIONS = (
    ("Object contains unknown field", "no such element in R4", "remove or rename it"),
    ("Invalid enum value", "not a code of the required value set", "use one of its codes"),
    ("matching regex", "not in the form of its type", "see R4 datatypes"),
    ("of length >= 1", "empty", "leave it out"),
    ("missing required field", "resourceType is missing", "add it"),
)


def _root(content: bytes) -> str:
    """Return the type that the resource says it is, for messages only."""
    found = re.search(rb'"resourceType"\s*:\s*"([A-Za-z]{1,64})"', content[:ROOT_BYTES_MAX])
    return found[1].decode() if found else "Resource"
