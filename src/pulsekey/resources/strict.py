"""What every generated struct is built from: the rules of FHIR's JSON form that no type may relax.

Closed objects, no null where an element stands, no empty array, primitives that match their
official pattern, and decimals that keep every digit that was sent (R4 sections 2.6.2 and 2.24).
"""

from decimal import Decimal
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

DIGITS_MAX = 64
"""How many digits a decimal may have."""
EXPONENT_MAX = 400
"""How far a decimal's exponent may lie from zero: arithmetic on it stays cheap."""


class Exact(Decimal):
    """A decimal as it was written: 1.10 stays 1.10. JSON strings are not numbers."""

    __slots__ = ()


def fhir_name(attribute: str) -> str:
    """Return the JSON name of an attribute: `value_quantity` is valueQuantity, `status_` _status.

    A trailing underscore marks the element that accompanies a primitive; what is a keyword of
    Python carries `_keyword`.
    """
    shadow = attribute.endswith("_")
    head, *rest = attribute.removesuffix("_").removesuffix("_keyword").split("_")
    name = head + "".join(part[0].upper() + part[1:] for part in rest)
    return f"_{name}" if shadow else name


class Strict(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename=fhir_name
):
    """Refuses what its type does not define."""


Text: TypeAlias = Annotated[str, Meta(pattern=r"\S")]
Id: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9\-\.]{1,64}\Z")]
Token: TypeAlias = Annotated[str, Meta(pattern=r"^[^\s]+(\s[^\s]+)*\Z")]
Uri: TypeAlias = Annotated[str, Meta(pattern=r"^\S+\Z")]
Oid: TypeAlias = Annotated[str, Meta(pattern=r"^urn:oid:[0-2](\.(0|[1-9][0-9]*))+\Z")]
Uuid: TypeAlias = Annotated[
    str, Meta(pattern=r"^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
]
# The official pattern, with spaces in one place only: as it stands it backtracks without end.
Base64: TypeAlias = Annotated[str, Meta(pattern=r"^\s*(?:(?:[0-9a-zA-Z+/=]\s*){4})+\Z")]
Integer: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Unsigned: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Positive: TypeAlias = Annotated[int, Meta(ge=1, le=2**31 - 1)]

_YEAR = r"([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_DAY = r"(0[1-9]|[1-2][0-9]|3[0-1])"
_MONTH = r"(0[1-9]|1[0-2])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,12})?"
_ZONE = r"(Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
Date: TypeAlias = Annotated[str, Meta(pattern=rf"^{_YEAR}(-{_MONTH}(-{_DAY})?)?\Z")]
DateTime: TypeAlias = Annotated[
    str, Meta(pattern=rf"^{_YEAR}(-{_MONTH}(-{_DAY}(T{_CLOCK}{_ZONE})?)?)?\Z")
]
Instant: TypeAlias = Annotated[str, Meta(pattern=rf"^{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE}\Z")]
Time: TypeAlias = Annotated[str, Meta(pattern=rf"^{_CLOCK}\Z")]


class Fact(msgspec.Struct, frozen=True):
    """What a type demands beyond the shape of its fields; names are attributes of its struct.

    `path` is its place in the standard; `required` elements that must be there (a primitive may be
    there by its extension alone); `choices` groups of which at most one may be (exactly one where
    the flag is set); `references` the types that each reference may name; `concepts` the codes by
    system of which a CodeableConcept or Coding must hold one.
    """

    path: str
    required: tuple[str, ...] = ()
    choices: tuple[tuple[bool, tuple[str, ...]], ...] = ()
    references: tuple[tuple[str, tuple[str, ...]], ...] = ()
    concepts: tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...] = ()
