"""Use case: somebody sends a payload about a patient; it is read, judged, sealed and reported on.

Everything of one payload becomes visible at once, at the end, or not at all. What may be about
somebody else is set aside and explained, never merged: only identifiers that an operator bound
decide.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pulsekey.identity.store import IdentityStore
from pulsekey.ingest.items import Context, Format, Item, Payload, Refusal
from pulsekey.ingest.patients import Identifier, Objection, objections
from pulsekey.ingest.recognition import recognise
from pulsekey.ingest.report import ImportReport, Outcome, ReportBuilder, Stored
from pulsekey.ingest.stored_report import stored_report
from pulsekey.primitives import canonical
from pulsekey.primitives.clock import Clock
from pulsekey.primitives.errors import MalformedInput
from pulsekey.primitives.ids import ImportId, OrganisationId, PatientId
from pulsekey.primitives.messages import Said
from pulsekey.quality.chunks import joined
from pulsekey.quality.ecg import grade_waveform
from pulsekey.quality.grading import Carry, GradingContext, finish, grade_chunk
from pulsekey.quality.summary import summarise, summarise_waveform
from pulsekey.quality.wording import in_words
from pulsekey.resources.documents import Clinical
from pulsekey.signals.series import Series, Waveform
from pulsekey.vault.records import Added
from pulsekey.vault.vault import Vault
from pulsekey.vault.writing import ImportSession, begin_import

DEVICE_ORDER = frozenset({"garmin-fit", "dexcom-clarity", "wfdb"})
"""Formats that a device wrote as it went, so that a step back in time is its clock's."""

DOCUMENTS_MAX = 200_000
"""Clinical resources of one payload; they are held until all of its patients are known."""

SUMMARY_ROWS_MAX = 20_000
"""What a series' summary in a report looks at, at most: its newest samples."""

SEVERAL = "Several patients are in this file, and this is not about the one you chose."
UNBOUND = (
    "Its patient's identifiers are not bound to this account. Ask the clinic to confirm them, "
    "then import again."
)
CONTRADICTION = "Its patient has other identifiers than the ones bound to this account."
UNCLEAR = "It is about a group, or does not say by a reference or an identifier whom it is about."
BESIDES = "It is about the patient you chose and, or so it may be, about somebody else."
NOBODY = "Neither this nor anything else in the file says whom it is about."

EXPLANATIONS = {
    Objection.SEVERAL: SEVERAL,
    Objection.UNBOUND: UNBOUND,
    Objection.CONTRADICTION: CONTRADICTION,
    Objection.UNCLEAR: UNCLEAR,
    Objection.BESIDES: BESIDES,
    Objection.NOBODY: NOBODY,
}


@dataclass(frozen=True, slots=True)
class Imported:
    """An import that is complete."""

    id: ImportId
    report: ImportReport


@dataclass(frozen=True, slots=True)
class ImportPayload:
    vault: Vault
    identities: IdentityStore
    clock: Clock

    def __call__(
        self,
        patient: PatientId,
        organisation: OrganisationId,
        payload: Payload,
        *,
        zone: str = "",
        progress: Callable[[int], None] = lambda _: None,
    ) -> Imported:
        """Import a payload, whole or not at all.

        Raises `MalformedInput` naming file, place and cure if it cannot be read to its end,
        `Conflict` while another import of the same patient runs.
        """
        format_ = recognise(payload)
        received = self.clock.now()
        self.vault.keys.enrol(patient)
        with begin_import(self.vault, patient, organisation, received) as session:
            builder = ReportBuilder(payload.name, format_.coverage.format, received)
            context = Context(received, zone, progress)
            run = _Run(session, builder, _grading(format_, context), self._bound(patient))
            run.take(format_.parse(payload, context))
            run.end()
            report = builder.build()
            import_id = session.commit(canonical.encode(stored_report(report)))
        progress(payload.size)
        return Imported(import_id, report)

    def _bound(self, patient: PatientId) -> tuple[Identifier, ...]:
        return tuple(
            (identifier.system, identifier.value)
            for identifier in self.identities.identifiers_of(patient)
        )


@dataclass(slots=True)
class _Chunks:
    """The newest chunks of a series, for its summary: memory does not grow with the payload."""

    kept: list[Series] = field(default_factory=list)
    dropped: bool = False

    def add(self, series: Series) -> None:
        self.kept.append(series)
        while sum(map(len, self.kept)) > SUMMARY_ROWS_MAX and len(self.kept) > 1:
            self.kept.pop(0)
            self.dropped = True


@dataclass(slots=True)
class _Run:
    """One import on its way: what waits for later rows, and what waits for the payload's end."""

    session: ImportSession
    builder: ReportBuilder
    grading: GradingContext
    bound: tuple[Identifier, ...]
    _carries: dict[tuple[str, str], Carry] = field(default_factory=dict)
    _newest: "dict[tuple[str, str], _Chunks]" = field(default_factory=dict)
    _documents: list[Clinical] = field(default_factory=list)

    def take(self, items: Iterable[Item]) -> None:
        for item in items:
            match item:
                case Series():
                    self._take_series(item)
                case Waveform():
                    self._take_waveform(item)
                case Clinical():
                    self._documents.append(item)
                    if len(self._documents) > DOCUMENTS_MAX:
                        raise MalformedInput(
                            Said("more than {most} resources", most=DOCUMENTS_MAX),
                            where=self.builder.name,
                            cure="split the file",
                        )
                case Refusal():
                    self.builder.refuse(item)

    def end(self) -> None:
        """Grade and keep what waited."""
        for carry in self._carries.values():
            self._keep(finish(carry, self.grading))
        for chunks in self._newest.values():
            self._summarise(chunks)
        self._take_documents()

    def _summarise(self, chunks: "_Chunks") -> None:
        series = joined(chunks.kept)
        text = in_words(summarise(series))
        if chunks.dropped:
            text = Said("the last {count} samples: {summary}", count=len(series), summary=text)
        self.builder.summarise(series.metric.name, series.source.name, text)

    def _take_series(self, series: Series) -> None:
        key = (series.metric.name, series.source.key)
        graded, carry = grade_chunk(series, self.grading, self._carries.get(key))
        self._carries[key] = carry
        self._keep(graded)

    def _keep(self, series: Series) -> None:
        if not len(series):
            return
        added = self.session.add_series(series)
        self.builder.series(series, _stored(added))
        self._newest.setdefault((series.metric.name, series.source.key), _Chunks()).add(series)

    def _take_waveform(self, waveform: Waveform) -> None:
        graded = grade_waveform(waveform)
        added = self.session.add_waveform(graded)
        self.builder.series(graded, _stored(added))
        said = in_words(summarise_waveform(graded))
        self.builder.summarise(graded.metric.name, graded.source.name, said)

    def _take_documents(self) -> None:
        judged = objections(self._documents, self.bound)
        for document, objection in zip(self._documents, judged, strict=True):
            if objection is not None:
                explanation = EXPLANATIONS[objection]
                self.builder.quarantine(document.where, document.resource_type, explanation)
                continue
            added = self.session.add_document(document)
            self.builder.document(document, _outcome(added))


def _grading(format_: Format, context: Context) -> GradingContext:
    return GradingContext(context.received, format_.coverage.format in DEVICE_ORDER)


def _stored(added: Added) -> Stored:
    return Stored(added.new, added.changed, added.known, added.dated)


def _outcome(added: Added) -> Outcome:
    if added.new:
        return Outcome.NEW
    return Outcome.CHANGED if added.changed else Outcome.KNOWN
