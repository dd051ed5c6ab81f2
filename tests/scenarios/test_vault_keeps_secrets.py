"""Canaries planted in every field are nowhere on disk, neither raw nor in a usual encoding."""

import base64
from pathlib import Path
from typing import Literal

from pulsekey.primitives.ids import PatientId
from pulsekey.resources.documents import Clinical
from pulsekey.signals.category import Category
from pulsekey.signals.metric import Code, Component, Metric, Shape, Unit
from pulsekey.signals.series import Series, Source, Waveform
from pulsekey.vault.documents import PaperKind, Papers
from pulsekey.vault.writing import begin_import
from tests.fakes.vault_records import CLINIC, RECEIVED, T0, new_vault, series_at, waveform_at

PATIENT = PatientId("p" * 26)
ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")
VALUE = 7_361_948_205_117
CANARIES = {
    "device": "Canary-Watch-of-Ada",
    "source key": "canary-source-key",
    "maker": "CanaryMaker",
    "metric": "canary-metric",
    "code": "CANARY-1234-5",
    "unit": "[canary]",
    "answer": "canary-answer",
    "patient name": "Ada Canarini",
    "document key": "urn:canary:document",
    "date": "1987-06-05T04:03:02Z",
    "terms": "canary may see my heart rate",
    "report": "canary.xml line 7",
    "value": str(VALUE),
}


def encodings(text: str) -> list[bytes]:
    raw = text.encode()
    out = [raw, raw.hex().encode(), raw.hex().upper().encode()]
    out += [text.encode("utf-16-le"), text.encode("utf-16-be")]
    for shift in range(3):
        # Base64 of the text inside something longer: the characters that depend on it alone.
        encoded = base64.b64encode(b"x" * shift + raw + b"xx")
        whole = encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        out += [whole, whole.replace(b"+", b"-").replace(b"/", b"_")]
    return out


def test_no_canary_is_on_disk(tmp_path: Path) -> None:
    source = Source(CANARIES["source key"], CANARIES["device"], CANARIES["maker"])
    code = Code("urn:canary", CANARIES["code"], CANARIES["answer"])
    unit = Unit(CANARIES["unit"], CANARIES["unit"])
    metric = Metric(
        CANARIES["metric"], Shape.POINT, Category.BODY, (code,), (Component("c", (code,), unit),)
    )
    with new_vault(tmp_path) as vault:
        with begin_import(vault, PATIENT, CLINIC, RECEIVED) as session:
            series = series_at(range(3), [VALUE, VALUE + 1, VALUE], metric=metric, source=source)
            session.add_series(
                Series(
                    metric,
                    source,
                    series.times,
                    series.components,
                    (CANARIES["unit"],),
                    (code,) * 3,
                )
            )
            wave = waveform_at(0, range(50))
            session.add_waveform(Waveform(wave.metric, source, wave.blocks))
            session.add_document(
                Clinical(
                    "Condition",
                    CANARIES["document key"],
                    Category.CONDITIONS,
                    CANARIES["patient name"].encode(),
                    CANARIES["patient name"],
                    CANARIES["date"],
                    ((code.system, code.code),),
                )
            )
            session.commit(CANARIES["report"].encode())
        Papers(vault).put(
            PATIENT,
            CLINIC,
            PaperKind.IMPORT_REPORT,
            "canary-terms",
            CANARIES["terms"].encode(),
            RECEIVED,
        )
        # While the vault is open its log is on disk too.
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        contents = {path.name: path.read_bytes() for path in files}
    assert len(contents) > 4
    for name, content in contents.items():
        for what, canary in CANARIES.items():
            for encoded in encodings(canary):
                assert encoded not in content, f"{what} is in {name}"
        # A short word may stand there by chance, and "documents" is a table.
        words = {one.value for one in Category if len(one.value) > 7} - {"documents"}
        for word in ("Condition", *words):
            assert word.encode() not in content
        for moment in (T0, VALUE):
            for order in ORDERS:
                assert moment.to_bytes(8, order) not in content
