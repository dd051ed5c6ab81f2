"""Imports that go on while somebody looks on: one after another, each with its progress.

The rule: whatever strangers send, a patient whom an operator has confirmed finds a slot, room on
the disk and the next turn (`upload_slots.py`, `spool_room.py`).

A job is forgotten when the node stops: an import is whole or not at all, so its sender simply
sends the payload again.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from pulsekey.exchange.import_payload import Imported, ImportPayload
from pulsekey.exchange.spool import Spool
from pulsekey.exchange.spool_room import SpoolRoom, free_bytes_of
from pulsekey.exchange.upload_slots import EACH_MAX, Full, Upload, room_for, slots_for
from pulsekey.ingest.items import Payload
from pulsekey.primitives.clock import Clock, Micros
from pulsekey.primitives.errors import IntegrityError, NotFound, PulsekeyError, Unavailable
from pulsekey.primitives.ids import Entropy, OrganisationId, PatientId, opaque
from pulsekey.primitives.messages import Said

LOG = logging.getLogger("pulsekey.imports")
JOBS_MAX = 1_000
WAITING_MAX = 20
"""Payloads that wait to be read, of confirmed patients; and as many of all others."""

NAME_CHARACTERS_MAX = 200
_GAVE_WAY: Final = "this upload was slow and gave way to another one; send it again"
_TOO_SLOW: Final = "this upload stood still or took too long; send it again"


class State(StrEnum):
    RECEIVING = "receiving"
    READING = "reading"
    DONE = "done"
    FAILED = "failed"


ENDED = frozenset({State.DONE, State.FAILED})


@dataclass(slots=True)
class Job:
    """One payload on its way. Written by one thread at a time, read by any."""

    id: str
    patient: PatientId
    organisation: OrganisationId
    name: str
    zone: str
    spool: Spool
    confirmed: bool
    began: Micros
    moved: Micros
    state: State = State.RECEIVING
    consumed: int = 0
    imported: Imported | None = None
    problem: PulsekeyError | None = None

    @property
    def upload(self) -> Upload:
        """What decides about its slot."""
        return Upload(
            self.id, self.patient, self.confirmed, self.began, self.moved, self.spool.size
        )


@dataclass(slots=True)
class ImportJobs:
    importing: ImportPayload
    folder: Path
    entropy: Entropy
    clock: Clock
    bytes_max: int
    """The longest payload."""

    room: SpoolRoom
    slots: int
    _jobs: OrderedDict[str, Job] = field(default_factory=OrderedDict)
    _waiting: list[Job] = field(default_factory=list)
    _turns: OrderedDict[PatientId, None] = field(default_factory=OrderedDict)
    """Patients who have had a turn and wait for another one, the longest ago first."""

    _changed: threading.Condition = field(default_factory=threading.Condition)
    _closing: bool = False
    _worker: threading.Thread | None = None

    def receive(
        self,
        patient: PatientId,
        organisation: OrganisationId,
        name: str,
        zone: str,
        *,
        confirmed: bool = False,
    ) -> Job:
        """Begin to take a payload; its bytes go to `write`.

        Whoever receives it ends with `begin` or `give_up`. `confirmed`: an operator has checked who
        the patient is. Raises `Unavailable` if too many are being received.
        """
        shown = "".join(c for c in name if c.isprintable())[:NAME_CHARACTERS_MAX] or "upload"
        now = self.clock.now()
        with self._changed:
            over = self._make_way(patient, now, confirmed=confirmed)
            share = self.room.share(patient, confirmed=confirmed)
            spool = Spool(self.folder, self.entropy, bytes_max=self.bytes_max, share=share)
            job = Job(
                opaque(self.entropy), patient, organisation, shown, zone, spool, confirmed, now, now
            )
            self._jobs[job.id] = job
            ended = [one.id for one in self._jobs.values() if one.state in ENDED]
            for old in ended[: max(len(self._jobs) - JOBS_MAX, 0)]:
                del self._jobs[old]
        for each in over:  # What they hold is let go without the lock: a disk may be slow.
            each.spool.close()
        return job

    def write(self, job: Job, content: bytes) -> None:
        """Take more of a payload; raise what ended it, if something has."""
        _require_receiving(job)
        now = self.clock.now()
        if job.upload.is_over(now):
            raise Unavailable(_TOO_SLOW)
        job.spool.write(content)
        job.moved = now

    def begin(self, job: Job) -> None:
        """Read what was received, in its turn. Raises `Unavailable` if too many wait."""
        _require_receiving(job)
        job.spool.finish()
        with self._changed:
            _require_receiving(job)
            alike = sum(one.confirmed == job.confirmed for one in self._waiting)
            full = alike >= WAITING_MAX or self._closing
            if not full:
                job.state = State.READING
                self._waiting.append(job)
                self._changed.notify()
            if self._worker is None and not self._closing:
                self._worker = threading.Thread(target=self._work, name="imports", daemon=True)
                self._worker.start()
        if full:
            self.give_up(job, Unavailable("too many imports are waiting; try again in a minute"))
            raise Unavailable("too many imports are waiting; try again in a minute") from None

    def give_up(self, job: Job, problem: PulsekeyError) -> None:
        """Say that a job ended without an import, and why."""
        _end(job, problem)
        job.spool.close()

    def job(self, job_id: str, patient: PatientId) -> Job:
        """Return a patient's own job, or raise `NotFound`."""
        with self._changed:
            job = self._jobs.get(job_id)
        if job is None or job.patient != patient:
            raise NotFound("no such import")
        return job

    def close(self) -> None:
        """Finish the jobs that were received whole, give up the others, and take no more."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._worker is not None:
            self._worker.join()
        with self._changed:
            receiving = self._receiving()
        for job in receiving:
            self.give_up(job, Unavailable("the node stopped; send the payload again"))

    def _make_way(self, patient: PatientId, now: Micros, *, confirmed: bool) -> list[Job]:
        """Return the jobs that are given up for a new one, or raise `Unavailable`. Holds the lock.

        Those that stand still are found here: while nobody else comes they are in nobody's way.
        """
        over = [job for job in self._receiving() if job.upload.is_over(now)]
        for job in over:
            _end(job, Unavailable(_TOO_SLOW))
        receiving = [job.upload for job in self._receiving()]
        found = room_for(receiving, patient, now, self.slots, confirmed=confirmed)
        if isinstance(found, Full):
            for job in over:
                job.spool.close()
            raise Unavailable(
                Said("{count} of your imports are on their way; wait for one", count=EACH_MAX)
                if found.own
                else "too many imports are being received; try again in a minute"
            )
        if found is not None:
            slow = self._jobs[found.id]
            _end(slow, Unavailable(_GAVE_WAY))
            over.append(slow)
        return over

    def _receiving(self) -> list[Job]:
        return [one for one in self._jobs.values() if one.state is State.RECEIVING]

    def _work(self) -> None:
        while (job := self._next()) is not None:
            self._run(job)

    def _next(self) -> Job | None:
        """Wait for the next job: of confirmed patients first, and of patients in turn."""
        with self._changed:
            while not self._waiting:
                if self._closing:
                    return None
                self._changed.wait()
            turns = {patient: at for at, patient in enumerate(self._turns, 1)}
            job = min(self._waiting, key=lambda one: (not one.confirmed, turns.get(one.patient, 0)))
            self._waiting.remove(job)
            self._turns[job.patient] = None
            self._turns.move_to_end(job.patient)
            waiting = {one.patient for one in self._waiting} | {job.patient}
            for patient in [one for one in self._turns if one not in waiting]:
                del self._turns[patient]
            return job

    def _run(self, job: Job) -> None:
        payload = Payload(job.name, job.spool.size, job.spool.open)
        try:
            job.imported = self.importing(
                job.patient, job.organisation, payload, zone=job.zone, progress=_progress(job)
            )
        except PulsekeyError as error:
            if isinstance(error, IntegrityError):
                LOG.error("an import found damage: %s", error)  # noqa: TRY400  No traceback.
            self.give_up(job, error)
            return
        except Exception as bug:  # noqa: BLE001  One payload must not end the imports of all others.
            LOG.error("an import met a bug: %s", type(bug).__name__)  # noqa: TRY400  No traceback.
            self.give_up(job, Unavailable("the node failed on this payload"))
            return
        job.state = State.DONE
        job.spool.close()


def import_jobs(
    importing: ImportPayload,
    folder: Path,
    entropy: Entropy,
    clock: Clock,
    *,
    bytes_max: int,
    spool_bytes_max: int,
) -> ImportJobs:
    """Return the imports of a node that keeps its spools in `folder`."""
    room = SpoolRoom(spool_bytes_max, free_bytes_of(folder))
    slots = slots_for(spool_bytes_max)
    return ImportJobs(importing, folder, entropy, clock, bytes_max, room, slots)


def _require_receiving(job: Job) -> None:
    if job.state is not State.RECEIVING:
        raise job.problem or Unavailable(_GAVE_WAY)


def _end(job: Job, problem: PulsekeyError) -> None:
    if job.problem is None:  # What ended it first is what is told.
        job.problem = problem
    job.state = State.FAILED


def _progress(job: Job) -> Callable[[int], None]:
    def told(consumed: int) -> None:
        job.consumed = consumed

    return told
