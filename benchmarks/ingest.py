"""How fast files become graded samples, and sealed ones, and in how much memory."""

import bz2
import io
import json
import resource
import secrets
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from benchmarks.figures import Figure, cpu_seconds
from pulsekey.exchange.import_payload import ImportPayload
from pulsekey.identity.store import open_store
from pulsekey.ingest.apple.health import AppleHealth
from pulsekey.ingest.clarity import Clarity
from pulsekey.ingest.fhir_bundle import FhirBundle
from pulsekey.ingest.items import Context, Format, Payload
from pulsekey.primitives.clock import Micros, SystemClock
from pulsekey.primitives.ids import OrganisationId, PatientId, opaque
from pulsekey.quality.grading import Carry, GradingContext, finish, grade_chunk
from pulsekey.samples.apple_export import Plan, write
from pulsekey.signals.series import Series
from pulsekey.vault.embedded import FileBlobStore, LocalCustodian
from pulsekey.vault.vault import Vault

APPLE_DAYS = 900
APPLE_REPEATS = 3
APPLE_RECORDS_TARGET = 100_000
MEMORY_MEBIBYTES_TARGET = 200
CLARITY_ROWS = 100_000
CLARITY_HEADER = (
    "Index,Timestamp (YYYY-MM-DDThh:mm:ss),Event Type,Event Subtype,Patient Info,Device Info,"
    "Source Device ID,Glucose Value (mg/dL),Transmitter ID\n"
)
CHART = "chart-adult.json.bz2"


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "export.xml"
        with export.open("wb") as out:
            records = sum(write(out, Plan(days=APPLE_DAYS)).records.values())
        yield from _apple(export, records, Path(folder))
    yield _clarity()
    yield _chart()


def _apple(export: Path, records: int, folder: Path) -> Iterator[Figure]:
    size = export.stat().st_size
    payload = Payload(export.name, size, lambda: export.open("rb"))
    note = f"{records:,} records, {size / 1e6:,.0f} MB, several sources and zones"
    graded = records / cpu_seconds(lambda: _graded(AppleHealth(), payload), APPLE_REPEATS)
    yield Figure(
        "Apple XML, normalised and graded", graded, "records/s/core", APPLE_RECORDS_TARGET, note
    )
    yield Figure(
        "the same, peak memory of the process",
        _peak_mebibytes(),
        "MiB",
        MEMORY_MEBIBYTES_TARGET,
        "does not grow with the file",
        less_is_better=True,
    )
    with Vault.create(
        folder,
        FileBlobStore(folder / "blobs", secrets.token_bytes),
        LocalCustodian(secrets.token_bytes(32), secrets.token_bytes),
        secrets.token_bytes,
    ) as vault:
        people = open_store(
            folder / "identity.sqlite", secrets.token_bytes(32), secrets.token_bytes
        )
        importing = ImportPayload(vault, people, SystemClock())

        def imported(patient: PatientId) -> None:
            importing(patient, OrganisationId("clinic"), payload)

        patients = [PatientId(opaque(secrets.token_bytes)) for _ in range(APPLE_REPEATS)]
        fresh = iter(patients)
        whole = records / cpu_seconds(lambda: imported(next(fresh)), APPLE_REPEATS)
        yield Figure(
            "Apple XML, whole importer",
            whole,
            "records/s/core",
            APPLE_RECORDS_TARGET,
            "parsed, graded, compared, sealed, indexed, reported, durable",
        )
        again = records / cpu_seconds(lambda: imported(patients[0]), 1)
        yield Figure(
            "the same file again", again, "records/s/core", note="every record is found known"
        )
        people.close()
    yield Figure("the same, peak memory of the process", _peak_mebibytes(), "MiB")


def _graded(format_: Format, payload: Payload) -> None:
    context = GradingContext(SystemClock().now())
    carries: dict[tuple[str, str], Carry] = {}
    for item in format_.parse(payload, Context(Micros(0))):
        if isinstance(item, Series):
            key = (item.metric.name, item.source.key)
            _, carries[key] = grade_chunk(item, context, carries.get(key))
    for carry in carries.values():
        finish(carry, context)


def _clarity() -> Figure:
    rows = "".join(
        f"{n},2023-04-{1 + n % 28:02d} {n % 24:02d}:{n % 60:02d}:47,EGV,,,,G6,{60 + n % 200},X\n"
        for n in range(CLARITY_ROWS)
    )
    payload = _payload((CLARITY_HEADER + rows).encode())
    seconds = cpu_seconds(lambda: _graded(Clarity(), payload))
    return Figure("Clarity CSV, normalised and graded", CLARITY_ROWS / seconds, "rows/s/core")


def _chart() -> Figure:
    content = bz2.decompress((resources.files("pulsekey.samples") / "files" / CHART).read_bytes())
    count = len(json.loads(content)["entry"])
    payload = _payload(content)
    seconds = cpu_seconds(lambda: list(FhirBundle().parse(payload, Context(Micros(0)))))
    return Figure("FHIR Bundle, judged and taken apart", count / seconds, "resources/s/core")


def _payload(content: bytes) -> Payload:
    return Payload("benchmark", len(content), lambda: io.BytesIO(content))


def _peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
