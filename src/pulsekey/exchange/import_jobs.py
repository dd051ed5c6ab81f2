"""Imports that go on while somebody looks on: one after another, each with its progress.

A job is forgotten when the node stops: an import is whole or not at all, so its sender simply
sends the payload again.
"""

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pulsekey.exchange.import_payload import Imported, ImportPayload
from pulsekey.exchange.spool import Spool
from pulsekey.ingest.items import Payload
from pulsekey.primitives.errors import IntegrityError, NotFound, PulsekeyError, Unavailable
from pulsekey.primitives.ids import Entropy, OrganisationId, PatientId, opaque
from pulsekey.primitives.messages import Said

LOG = logging.getLogger("pulsekey.imports")
JOBS_MAX = 1_000
RECEIVING_MAX = 50
EACH_MAX = 4
"""Payloads of one patient that may be received at a time: nobody takes the room of all."""

WAITING_MAX = 20
NAME_CHARACTERS_MAX = 200


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
    state: State = State.RECEIVING
    consumed: int = 0
    imported: Imported | None = None
    problem: PulsekeyError | None = None


@dataclass(slots=True)
class ImportJobs:
    importing: ImportPayload
    folder: Path
    entropy: Entropy
    bytes_max: int
    _jobs: OrderedDict[str, Job] = field(default_factory=OrderedDict)
    _waiting: "queue.Queue[Job | None]" = field(default_factory=lambda: queue.Queue(WAITING_MAX))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _worker: threading.Thread | None = None

    def receive(
        self, patient: PatientId, organisation: OrganisationId, name: str, zone: str
    ) -> Job:
        """Begin to take a payload; its bytes go into `job.spool`.

        Whoever receives it ends with `begin` or `give_up`. Raises `Unavailable` if too many are
        being received.
        """
        shown = "".join(c for c in name if c.isprintable())[:NAME_CHARACTERS_MAX] or "upload"
        with self._lock:
            receiving = [one for one in self._jobs.values() if one.state is State.RECEIVING]
            if sum(one.patient == patient for one in receiving) >= EACH_MAX:
                raise Unavailable(
                    Said("{count} of your imports are on their way; wait for one", count=EACH_MAX)
                )
            if len(receiving) >= RECEIVING_MAX:
                raise Unavailable("too many imports are being received; try again in a minute")
            spool = Spool(self.folder, self.entropy, bytes_max=self.bytes_max)
            job = Job(opaque(self.entropy), patient, organisation, shown, zone, spool)
            self._jobs[job.id] = job
            ended = [one.id for one in self._jobs.values() if one.state in ENDED]
            for old in ended[: max(len(self._jobs) - JOBS_MAX, 0)]:
                del self._jobs[old]
        return job

    def begin(self, job: Job) -> None:
        """Read what was received, in its turn. Raises `Unavailable` if too many wait."""
        job.spool.finish()
        job.state = State.READING
        with self._lock:
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="imports", daemon=True)
                self._worker.start()
        try:
            self._waiting.put_nowait(job)
        except queue.Full:
            self.give_up(job, Unavailable("too many imports are waiting; try again in a minute"))
            raise Unavailable("too many imports are waiting; try again in a minute") from None

    def give_up(self, job: Job, problem: PulsekeyError) -> None:
        """Say that a job ended without an import, and why."""
        job.problem = problem
        job.state = State.FAILED
        job.spool.close()

    def job(self, job_id: str, patient: PatientId) -> Job:
        """Return a patient's own job, or raise `NotFound`."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None or job.patient != patient:
            raise NotFound("no such import")
        return job

    def close(self) -> None:
        """Finish the jobs that were received whole, give up the others, and take no more."""
        worker = self._worker
        if worker is not None:
            self._waiting.put(None)
            worker.join()
        with self._lock:
            receiving = [one for one in self._jobs.values() if one.state is State.RECEIVING]
        for job in receiving:
            self.give_up(job, Unavailable("the node stopped; send the payload again"))

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            self._run(job)

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


def _progress(job: Job) -> Callable[[int], None]:
    def told(consumed: int) -> None:
        job.consumed = consumed

    return told
