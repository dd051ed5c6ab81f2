"""A payload waits sealed; a job shows its progress and ends whole, or says why not."""

import errno
import io
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsekey.exchange import import_jobs
from pulsekey.exchange.import_jobs import ImportJobs, Job, State
from pulsekey.exchange.import_payload import ImportPayload
from pulsekey.exchange.spool import CHUNK_BYTES, Spool
from pulsekey.ingest.items import Payload
from pulsekey.primitives.errors import IntegrityError, MalformedInput, NotFound, Unavailable
from pulsekey.primitives.ids import OrganisationId, PatientId
from tests.fakes.node_clinic import Clinic
from tests.fakes.payloads import SAMPLES
from tests.fakes.software_authenticator import Repeatable

CANARY = b"the canary sings of heart rates"
ANN, BOB = PatientId("ann"), PatientId("bob")
CLINIC = OrganisationId("clinic")
PLENTY = 10**9


def spool_of(folder: Path, content: bytes, pieces: int = 1_000) -> Spool:
    spool = Spool(folder, Repeatable("spool"), bytes_max=PLENTY)
    for at in range(0, len(content), pieces):
        spool.write(content[at : at + pieces])
    spool.finish()
    return spool


@given(st.binary(max_size=300), st.integers(1, 70), st.data())
def test_it_gives_back_what_it_took_from_any_place(
    tmp_path_factory: pytest.TempPathFactory, part: bytes, pieces: int, data: st.DataObject
) -> None:
    content = part * (3 * CHUNK_BYTES // max(len(part), 1))
    spool = spool_of(tmp_path_factory.mktemp("spool"), content, pieces * 1_009)
    try:
        with spool.open() as stream:
            assert stream.read() == content
            for _ in range(5):
                at = data.draw(st.integers(0, len(content)))
                length = data.draw(st.integers(0, CHUNK_BYTES + 10))
                stream.seek(at)
                assert stream.tell() == at
                assert stream.read(length) == content[at : at + length]
            assert stream.seek(0, io.SEEK_END) == len(content)
            assert stream.read(1) == b""
    finally:
        spool.close()


def test_two_streams_do_not_disturb_each_other(tmp_path: Path) -> None:
    spool = spool_of(tmp_path, bytes(range(256)) * 1_000)
    with spool.open() as one, spool.open() as two:
        assert one.read(3) == bytes([0, 1, 2])
        two.seek(200_000)
        assert one.read(2) == bytes([3, 4])
    spool.close()


def test_what_waits_is_sealed(tmp_path: Path) -> None:
    spool = spool_of(tmp_path, CANARY * 10_000)
    # The file has no name, so nobody else opens it; its bytes are read by its number.
    spool._file.flush()
    raw = os.pread(spool._file.fileno(), PLENTY, 0)
    assert len(raw) >= spool.size
    assert CANARY not in raw
    assert CANARY[:12] not in raw
    assert list(tmp_path.iterdir()) == []
    spool.close()


def test_each_chunk_of_equal_bytes_is_sealed_differently(tmp_path: Path) -> None:
    spool = spool_of(tmp_path, bytes(3 * CHUNK_BYTES))
    spool._file.flush()
    raw = os.pread(spool._file.fileno(), PLENTY, 0)
    size = CHUNK_BYTES + 16
    assert len({raw[at : at + size] for at in range(0, len(raw), size)}) == 3
    spool.close()


def test_a_payload_beyond_the_limit_is_refused_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Repeatable("spool"), bytes_max=100)
    spool.write(b"x" * 100)
    with pytest.raises(MalformedInput, match="larger than 100 bytes"):
        spool.write(b"x")
    spool.close()


def test_nobody_seeks_before_the_beginning(tmp_path: Path) -> None:
    spool = spool_of(tmp_path, b"abc")
    with spool.open() as stream, pytest.raises(ValueError, match="-1"):
        stream.seek(-1)
    spool.close()


class Slow:
    """Stands for the import of a payload: says when it began, and waits to be told to go on."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.seen: list[bytes] = []
        self.failure: Exception | None = None

    def __call__(
        self,
        _: PatientId,
        __: OrganisationId,
        payload: Payload,
        *,
        zone: str,
        progress: Callable[[int], None],
    ) -> None:
        assert zone == "UTC"
        with payload.open() as stream:
            self.seen.append(stream.read())
        progress(payload.size // 2)
        self.began.release()
        assert self.may_end.acquire(timeout=30)
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def jobs(slow: Slow, tmp_path: Path) -> Iterator[ImportJobs]:
    importing: ImportPayload = slow  # type: ignore[assignment] # A fake of one call.
    made = ImportJobs(importing, tmp_path, Repeatable("jobs"), PLENTY)
    yield made
    for _ in range(100):
        slow.may_end.release()
    made.close()


def received(jobs: ImportJobs, content: bytes = b"abcd", name: str = "a.csv") -> Job:
    job = jobs.receive(ANN, CLINIC, name, "UTC")
    job.spool.write(content)
    return job


def ended(job: Job) -> State:
    for _ in range(3_000):
        if job.state in {State.DONE, State.FAILED}:
            return job.state
        threading.Event().wait(0.01)
    raise AssertionError(job.state)


def test_a_job_goes_from_receiving_to_done(jobs: ImportJobs, slow: Slow) -> None:
    job = received(jobs)
    assert job.state == State.RECEIVING
    jobs.begin(job)
    assert slow.began.acquire(timeout=30)
    assert (job.state, job.consumed) == (State.READING, 2)
    slow.may_end.release()
    assert ended(job) == State.DONE
    assert slow.seen == [b"abcd"]
    assert job.spool._file.closed


@pytest.mark.parametrize(
    "failure", [MalformedInput("cut short"), IntegrityError("damaged"), Unavailable("full")]
)
def test_a_job_that_fails_says_why_and_the_next_one_is_read(
    jobs: ImportJobs, slow: Slow, failure: Exception
) -> None:
    first, second = received(jobs), received(jobs, b"second")
    slow.failure = failure
    jobs.begin(first)
    slow.may_end.release()
    assert ended(first) == State.FAILED
    assert first.problem is failure
    assert first.spool._file.closed
    slow.failure = None
    jobs.begin(second)
    slow.may_end.release()
    assert ended(second) == State.DONE


def test_a_job_is_shown_to_its_patient_only(jobs: ImportJobs) -> None:
    job = received(jobs)
    assert jobs.job(job.id, ANN) is job
    messages = set()
    for name, who in ((job.id, BOB), ("none", ANN)):
        with pytest.raises(NotFound) as refused:
            jobs.job(name, who)
        messages.add(str(refused.value))
    assert len(messages) == 1


def test_too_many_waiting_are_refused_and_what_they_sent_is_let_go(
    jobs: ImportJobs, slow: Slow
) -> None:
    first = received(jobs)
    jobs.begin(first)
    assert slow.began.acquire(timeout=30)
    for _ in range(import_jobs.WAITING_MAX):
        jobs.begin(received(jobs))
    late = received(jobs)
    with pytest.raises(Unavailable, match="waiting"):
        jobs.begin(late)
    assert late.state == State.FAILED
    assert late.spool._file.closed


def test_the_oldest_job_that_ended_is_forgotten(
    jobs: ImportJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_jobs, "JOBS_MAX", 2)
    going_on, first, second = (received(jobs) for _ in range(3))
    for job in (first, second):
        jobs.give_up(job, MalformedInput("never finished"))
    third = received(jobs)
    for job in (first, second):
        with pytest.raises(NotFound):
            jobs.job(job.id, ANN)
    for job in (going_on, third):
        assert jobs.job(job.id, ANN) is job
        jobs.give_up(job, MalformedInput("never finished"))


def test_too_many_at_a_time_are_not_even_received(
    jobs: ImportJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_jobs, "RECEIVING_MAX", 1)
    first = received(jobs)
    with pytest.raises(Unavailable, match="received"):
        received(jobs)
    jobs.give_up(first, MalformedInput("never finished"))
    jobs.give_up(received(jobs), MalformedInput("never finished"))


def test_a_files_name_is_made_fit_to_be_shown(jobs: ImportJobs) -> None:
    shown = {
        "a.csv": "a.csv",
        "": "upload",
        "\x1b[2J\n": "[2J",
        "\u202ecsv.exe": "csv.exe",
        "x" * 500: "x" * import_jobs.NAME_CHARACTERS_MAX,
    }
    for name, expected in shown.items():
        job = jobs.receive(ANN, CLINIC, name, "")
        assert job.name == expected
        jobs.give_up(job, MalformedInput("never finished"))


def test_closing_gives_up_what_is_still_being_received(tmp_path: Path) -> None:
    idle: ImportPayload = Slow()  # type: ignore[assignment] # A fake of one call.
    jobs = ImportJobs(idle, tmp_path, Repeatable("jobs"), PLENTY)
    job = received(jobs)
    jobs.close()
    assert job.state == State.FAILED
    assert isinstance(job.problem, Unavailable)
    assert job.spool._file.closed


def test_a_real_payload_through_a_real_job(clinic: Clinic) -> None:
    patient = clinic.patient()
    jobs = clinic.node.jobs
    job = jobs.receive(patient.patient, patient.principal.organisation, "walk.fit", "UTC")
    job.spool.write((SAMPLES / "activity-walk.fit").read_bytes())
    jobs.begin(job)
    assert ended(job) == State.DONE
    assert job.imported is not None
    (past,) = clinic.node.reports(patient.patient)
    assert past.report == job.imported.report
    assert past.report.name == "walk.fit"


class Full(io.BytesIO):
    """A file on a full disk: what is buffered cannot be written out, not even by closing it."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "no room")

    def close(self) -> None:
        super().close()
        raise OSError(errno.ENOSPC, "no room")


def test_a_full_disk_fails_an_upload_and_not_the_imports_of_others(
    jobs: ImportJobs, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    small = received(jobs)
    monkeypatch.undo()
    with pytest.raises(Unavailable, match="room"):
        jobs.begin(small)
    jobs.give_up(small, Unavailable("no room"))
    assert small.state == State.FAILED
    other = received(jobs)
    jobs.begin(other)
    slow.may_end.release()
    assert ended(other) == State.DONE
