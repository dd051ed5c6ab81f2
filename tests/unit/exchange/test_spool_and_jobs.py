"""A payload waits sealed; a job shows its progress and ends whole, or says why not."""

import errno
import io
import os
import subprocess
import sys
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
from pulsekey.exchange.spool_room import SpoolRoom
from pulsekey.exchange.upload_slots import EACH_MAX, WHOLE_MICROS
from pulsekey.ingest.items import Payload
from pulsekey.primitives.clock import MICROS_PER_SECOND, Micros
from pulsekey.primitives.errors import IntegrityError, MalformedInput, NotFound, Unavailable
from pulsekey.primitives.ids import OrganisationId, PatientId
from tests.fakes.node_clinic import Clinic
from tests.fakes.payloads import SAMPLES
from tests.fakes.software_authenticator import Repeatable

CANARY = b"the canary sings of heart rates"
ANN, BOB, CAT = PatientId("ann"), PatientId("bob"), PatientId("cat")
SLOTS = 20
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


class Minutes:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.micros = 10**15

    def now(self) -> Micros:
        return Micros(self.micros)

    def advance(self, seconds: float) -> None:
        self.micros += int(seconds * MICROS_PER_SECOND)


def jobs_in(folder: Path, importing: ImportPayload, clock: Minutes) -> ImportJobs:
    room = SpoolRoom(PLENTY, lambda: 10 * PLENTY)
    return ImportJobs(importing, folder, Repeatable("jobs"), clock, PLENTY, room, SLOTS)


@pytest.fixture
def clock() -> Minutes:
    return Minutes()


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def jobs(slow: Slow, tmp_path: Path, clock: Minutes) -> Iterator[ImportJobs]:
    importing: ImportPayload = slow  # type: ignore[assignment] # A fake of one call.
    made = jobs_in(tmp_path, importing, clock)
    yield made
    for _ in range(100):
        slow.may_end.release()
    made.close()


def received(
    jobs: ImportJobs,
    content: bytes = b"abcd",
    name: str = "a.csv",
    *,
    patient: PatientId = ANN,
    confirmed: bool = False,
) -> Job:
    job = jobs.receive(patient, CLINIC, name, "UTC", confirmed=confirmed)
    jobs.write(job, content)
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
    jobs.begin(received(jobs))
    assert slow.began.acquire(timeout=30)
    for _ in range(import_jobs.WAITING_MAX):
        jobs.begin(received(jobs))
    late = received(jobs)
    with pytest.raises(Unavailable, match="waiting"):
        jobs.begin(late)
    assert late.state == State.FAILED
    assert late.spool._file.closed
    jobs.begin(received(jobs, confirmed=True))  # The confirmed wait in a queue of their own.


def test_confirmed_patients_come_first_and_patients_take_turns(
    jobs: ImportJobs, slow: Slow
) -> None:
    jobs.begin(received(jobs, b"first"))
    assert slow.began.acquire(timeout=30)
    for name in (b"a1", b"a2", b"a3"):
        jobs.begin(received(jobs, name, patient=ANN))
    jobs.begin(received(jobs, b"b1", patient=BOB))
    jobs.begin(received(jobs, b"c1", patient=CAT, confirmed=True))
    last = received(jobs, b"c2", patient=CAT, confirmed=True)
    jobs.begin(last)
    for _ in range(7):
        slow.may_end.release()
    for _ in range(6):
        assert slow.began.acquire(timeout=30)
    assert slow.seen == [b"first", b"c1", b"c2", b"b1", b"a1", b"a2", b"a3"]


def test_uploads_of_strangers_give_way_to_a_confirmed_patient(jobs: ImportJobs) -> None:
    fill = [received(jobs, patient=PatientId(f"m{number}")) for number in range(SLOTS // 2)]
    with pytest.raises(Unavailable, match="too many imports are being received"):
        received(jobs, patient=BOB)
    known = [
        received(jobs, patient=PatientId(f"k{number}"), confirmed=True) for number in range(SLOTS)
    ]
    assert all(job.state is State.FAILED for job in fill)
    assert all(job.spool._file.closed for job in fill)
    assert all(job.state is State.RECEIVING for job in known)
    with pytest.raises(Unavailable, match="gave way"):
        jobs.write(fill[0], b"more")
    with pytest.raises(Unavailable, match="gave way"):
        jobs.begin(fill[0])


def test_an_upload_that_stands_still_is_given_up_when_somebody_comes(
    jobs: ImportJobs, clock: Minutes
) -> None:
    stalled, moving = received(jobs), received(jobs)
    clock.advance(40)
    jobs.write(moving, b"more")
    clock.advance(40)
    received(jobs, patient=BOB)
    assert stalled.state is State.FAILED
    assert stalled.spool._file.closed
    assert moving.state is State.RECEIVING
    with pytest.raises(Unavailable, match="stood still"):
        jobs.write(stalled, b"late")


def test_an_upload_that_drips_for_hours_ends(jobs: ImportJobs, clock: Minutes) -> None:
    job = received(jobs)
    for _ in range(int(WHOLE_MICROS / MICROS_PER_SECOND / 30)):
        clock.advance(30)
        jobs.write(job, b"x")
    clock.advance(30)
    with pytest.raises(Unavailable, match="took too long"):
        jobs.write(job, b"x")


def test_nothing_is_held_once_all_uploads_have_ended(jobs: ImportJobs, slow: Slow) -> None:
    done, cut = received(jobs, bytes(200_000)), received(jobs, b"abc", patient=BOB)
    assert jobs.room._held == {ANN: 200_000, BOB: 3}
    jobs.give_up(cut, MalformedInput("cut short"))
    jobs.give_up(cut, MalformedInput("cut short"))
    jobs.begin(done)
    slow.may_end.release()
    assert ended(done) == State.DONE
    done.spool.close()
    assert jobs.room._held == {}
    assert jobs.room._unconfirmed == 0


def test_after_a_kill_nothing_of_an_upload_is_left(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; from pulsekey.exchange.spool import Spool;"
        "spool = Spool(pathlib.Path(sys.argv[1]), os.urandom, bytes_max=10**9);"
        "spool.write(b'canary' * 100_000); spool.finish(); os.kill(os.getpid(), 9)"
    )
    process = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert process.returncode == -9
    assert list(tmp_path.iterdir()) == []


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


def test_too_many_of_one_patient_are_not_even_received(jobs: ImportJobs) -> None:
    own = [received(jobs) for _ in range(EACH_MAX)]
    with pytest.raises(Unavailable, match="wait for one"):
        received(jobs)
    jobs.give_up(own[0], MalformedInput("never finished"))
    received(jobs)


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
    jobs = jobs_in(tmp_path, idle, Minutes())
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
