"""Who measured: a stable source out of Apple's source name and its unstable device text.

The one rule: the same device has the same key in every export. Its memory address, its software and
the order of its fields are not in the key; what a person named it and its hardware are.
"""

import re
from typing import Final

from pulsekey.signals.series import Source

TEXT_MAX: Final = 120
_FIELD = re.compile(r"(?:^|, )(name|manufacturer|model|hardware|software):(.*?)(?=, \w+:|>?$)")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\ufeff]+")


def source(source_name: str, device: str, version: str = "") -> Source:
    """Return the source of records; `device` is `<<HKDevice: 0x..>, name:.., model:..>` or ""."""
    _, _, described = device.partition(">, ")
    fields = {name: _plain(text) for name, text in _FIELD.findall(described)}
    name = _plain(source_name) or "unnamed"
    parts = (name, *(fields.get(part, "") for part in ("manufacturer", "model", "hardware")))
    key = "apple-health|" + "|".join(part.replace("|", "/").casefold() for part in parts)
    return Source(
        key.rstrip("|"),
        name,
        fields.get("manufacturer", ""),
        fields.get("model", ""),
        fields.get("hardware", ""),
        fields.get("software", "") or _plain(version),
    )


def _plain(text: str) -> str:
    """Return a text on one line without invisible characters, so that equal looks are equal."""
    return _BLANKS.sub(" ", text).strip()[:TEXT_MAX]
