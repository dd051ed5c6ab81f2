"""An electrocardiogram of an Apple Watch: a head in the language of the phone, then microvolts.

The one rule: the head's words are not understood, only what every language shares: a stamp, a
number of hertz, a unit of volts. What cannot be found so refuses the recording, not the export.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np

from pulsekey.ingest import decimals, local_time
from pulsekey.ingest.columns import Moment, Several, Value
from pulsekey.ingest.items import Item, Refusal
from pulsekey.primitives.clock import MICROS_PER_SECOND
from pulsekey.signals.catalogue import ECG_CLASSIFICATION
from pulsekey.signals.electrocardiography import ECG, LEADS
from pulsekey.signals.series import Basis, Block, Channel, Source, Waveform

SAMPLES_MAX: Final = 1_000_000
HEAD_LINES_MAX: Final = 40
RATE_HERTZ_MAX: Final = 10_000
RAW_MAX: Final = 2**31 - 1
CURE: Final = "export again from the Health app"

_STAMP = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} [+-]\d{4}")
_RATE = re.compile(
    r"(\d{2,5})(?:[.,]\d+)?\s*(?:hertz|herz|hercios|hz|赫兹|赫茲|ヘルツ|헤르츠)", re.IGNORECASE
)
_HARDWARE = re.compile(r"Watch\d{1,2},\d{1,2}")
_MICROVOLT = re.compile(r"[µμu]V\b")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_CLASSIFICATIONS: Final = {
    # English, French, German, Spanish, Italian, Simplified Chinese
    "sinus rhythm": 0,
    "rythme sinusal": 0,
    "sinusrhythmus": 0,
    "ritmo sinusal": 0,
    "ritmo sinusale": 0,
    "窦性心律": 0,
    "atrial fibrillation": 1,
    "fibrillation auriculaire": 1,
    "fibrillation atriale": 1,
    "vorhofflimmern": 1,
    "fibrilación auricular": 1,
    "fibrillazione atriale": 1,
    "心房颤动": 1,
    "low heart rate": 2,
    "high heart rate": 3,
    "poor recording": 4,
    "inconclusive": 5,
    "unclassified": 6,
    "unrecognized": 6,
}


def read(content: bytes, where: str) -> Iterator[Item]:
    """Yield the waveform of one recording and its classification, or why it cannot be read."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        yield Refusal(where, "an electrocardiogram that is not UTF-8", CURE)
        return
    body = next(
        (
            at
            for at, line in enumerate(lines[:HEAD_LINES_MAX])
            if _NUMBER.fullmatch(line.strip()) and _NUMBER.fullmatch(lines[-1].strip())
        ),
        None,
    )
    head = "\n".join(lines[: body or 0])
    stamp, rate, unit = _STAMP.search(head), _RATE.search(head), _MICROVOLT.search(head)
    if body is None or stamp is None or rate is None or unit is None:
        yield Refusal(where, "an electrocardiogram without a time, a rate or a unit", CURE)
        return
    begun = local_time.read_shifted([stamp[0]])
    values = decimals.read([line.strip().replace(",", ".") for line in lines[body:]])
    scale = int(values.scale.max(initial=0))
    raw = values.mantissa * np.power(10, (scale - values.scale).astype(np.int64))
    hertz = int(rate[1])
    if (
        not begun.legible.all()
        or not values.legible.all()
        or not 0 < hertz <= RATE_HERTZ_MAX
        or len(values) > SAMPLES_MAX
        or scale > 6
        or int(np.abs(raw).max(initial=0)) > RAW_MAX
    ):
        yield Refusal(where, "an electrocardiogram with samples that cannot be read", CURE)
        return
    at = Moment(
        int(begun.instant()[0]),
        int(begun.instant()[0]) + len(values) * MICROS_PER_SECOND // hertz,
        int(begun.offset[0]),
        Basis.EXPORT,
    )
    hardware = _HARDWARE.search(head)
    watch = Source(
        "apple-health|ecg|" + (hardware[0].casefold() if hardware else "watch"),
        "Apple Watch",
        "Apple Inc.",
        "Watch",
        hardware[0] if hardware else "",
    )
    # Microvolts with `scale` decimals, told in millivolts.
    factor = Decimal(1).scaleb(-3 - scale)
    channel = Channel(LEADS["i"], "mV", factor, Decimal(0), raw.astype(np.int32))
    yield Waveform(
        ECG, watch, (Block(at.start, at.offset, Basis.EXPORT, Fraction(hertz), (channel,)),)
    )
    yield from _classification(head, watch, at, where)


def _classification(head: str, watch: Source, at: Moment, where: str) -> Iterator[Item]:
    several = Several()
    for line in head.splitlines():
        answer = _CLASSIFICATIONS.get(line.partition(",")[2].strip().casefold())
        if answer is not None:
            yield from several.add(ECG_CLASSIFICATION, watch, at, (Value(answer),))
            yield from several.rest()
            return
    cure = "nothing to do: the recording itself is read"
    yield Refusal(where, "a classification in words that are not known", cure)
