"""Small, deterministic records for tests of the vault."""

import secrets
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np

from pulsekey.primitives.clock import Micros
from pulsekey.primitives.ids import OrganisationId, PatientId
from pulsekey.resources.documents import Clinical
from pulsekey.signals.catalogue import HEART_RATE
from pulsekey.signals.category import Category
from pulsekey.signals.metric import LOINC, MDC, Code, Component, Metric, Shape
from pulsekey.signals.series import (
    Basis,
    Block,
    Channel,
    Series,
    Source,
    Times,
    Waveform,
    quantities,
)
from pulsekey.vault.embedded import FileBlobStore, LocalCustodian
from pulsekey.vault.ports import BlobStore
from pulsekey.vault.vault import Vault
from pulsekey.vault.writing import begin_import

PATIENT = PatientId("abcdefghijklmnopqrstuvwxyz")
CLINIC = OrganisationId("city-clinic")
T0 = 1_700_000_000_000_000
RECEIVED = Micros(1_750_000_000_000_000)
CUSTODIAN_KEY = bytes(range(32))
WATCH = Source("watch", "Watch of A")
ECG_CODE = Code(MDC, "131329", "MDC_ECG_LEAD_I")
ECG = Metric("ecg", Shape.WAVEFORM, Category.ECG, (ECG_CODE,), (Component("ecg", (), None),))


def new_vault(home: Path, blobs: BlobStore | None = None) -> Vault:
    return Vault.create(
        home,
        blobs or FileBlobStore(home / "blobs", secrets.token_bytes),
        LocalCustodian(CUSTODIAN_KEY, secrets.token_bytes),
        secrets.token_bytes,
    )


def open_vault(home: Path, blobs: BlobStore | None = None) -> Vault:
    return Vault.open(
        home,
        blobs or FileBlobStore(home / "blobs", secrets.token_bytes),
        LocalCustodian(CUSTODIAN_KEY, secrets.token_bytes),
        secrets.token_bytes,
    )


def series_at(
    seconds: Sequence[int] | range,
    values: Sequence[int],
    *,
    metric: Metric = HEART_RATE,
    source: Source = WATCH,
    basis: Basis = Basis.RECORDED,
) -> Series:
    start = T0 + np.array(seconds, np.int64) * 1_000_000
    n = len(start)
    times = Times(start, start, np.full(n, 60, np.int16), np.full(n, basis, np.uint8))
    return Series(
        metric,
        source,
        times,
        tuple(quantities(np.array(values, np.int64), 0) for _ in metric.components),
    )


def waveform_at(second: int, raw: Sequence[int], *, basis: Basis = Basis.RECORDED) -> Waveform:
    channel = Channel(
        ECG_CODE, "mV", Decimal("0.005"), Decimal(0), np.array(raw, np.int32), lost=-32_768
    )
    block = Block(T0 + second * 1_000_000, 60, basis, Fraction(250), (channel,))
    return Waveform(ECG, WATCH, (block,))


def condition(key: str, content: bytes, date: str = "2024-03-01") -> Clinical:
    return Clinical(
        "Condition", key, Category.CONDITIONS, content, "Patient/1", date, ((LOINC, "75326-9"),)
    )


def add(vault: Vault, *series: Series, patient: PatientId = PATIENT) -> tuple[int, int, int]:
    """Import series in one import and return how many samples were new, known and changed."""
    with begin_import(vault, patient, CLINIC, RECEIVED) as session:
        total = (0, 0, 0)
        for one in series:
            a = session.add_series(one)
            total = (total[0] + a.new, total[1] + a.known, total[2] + a.changed)
        session.commit(b"{}")
    return total
