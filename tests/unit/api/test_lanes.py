"""However many read at a time, what a patient signs does not wait behind them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pulsekey.api.endpoint import LANE_WIDTH
from pulsekey.exchange.search_records import SearchRecords
from pulsekey.exchange.show_record import ShowRecord
from pulsekey.primitives.errors import NotFound
from tests.fakes.node_clinic import Clinic
from tests.fakes.node_http import Caller, Site

FLOOD = 60
"""More than there are threads for all requests together (anyio: 40)."""

SECONDS_MAX = 60


class Gate:
    """Lets nobody through until it is opened, and counts who stands before it."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()
        self.count = 0

    def __call__(self, *_: Any, **__: Any) -> None:
        self.count += 1
        self.entered.release()
        assert self.opened.wait(SECONDS_MAX)
        raise NotFound("nothing")


@contextmanager
def flooded(caller: Caller, path: str, gate: Gate) -> Iterator[None]:
    threads = [threading.Thread(target=caller.get, args=[path]) for _ in range(FLOOD)]
    for one in threads:
        one.start()
    try:
        for _ in range(LANE_WIDTH):
            assert gate.entered.acquire(timeout=SECONDS_MAX)
        yield
    finally:
        gate.opened.set()
        for one in threads:
            one.join()


@pytest.mark.parametrize("path", ["/fhir/R4/Observation?code=8867-4", "/api/series"])
def test_a_stop_goes_through_while_readers_fill_their_lane(
    clinic: Clinic, site: Site, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    gate = Gate()
    monkeypatch.setattr(SearchRecords, "search", gate)
    monkeypatch.setattr(ShowRecord, "series", gate)
    patient, clinician = clinic.patient(), clinic.clinician()
    consent = clinic.grant(patient, clinician)
    portal, reader = site.in_portal(patient), site.with_token(patient, "PATRQT")
    with flooded(reader, path, gate):
        offer = portal.post("/api/offers/stop", {"consent": consent.hex()}).json
        gesture = patient.gesture(offer["options"])
        step = portal.post("/api/operations", {"offer": offer["offer"], "credential": gesture})
        assert step.json["code"] == 0
        assert portal.get("/api/grants").json["grants"][0]["state"] == "stopped"
        assert gate.count == LANE_WIDTH
    assert gate.count == FLOOD
