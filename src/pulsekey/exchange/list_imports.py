"""Use case: a patient's imports with their reports, the newest first."""

from dataclasses import dataclass

from pulsekey.ingest.report import ImportReport
from pulsekey.ingest.stored_report import report_from
from pulsekey.primitives import canonical
from pulsekey.primitives.clock import Micros
from pulsekey.primitives.errors import NotFound
from pulsekey.primitives.ids import ImportId, PatientId
from pulsekey.vault.documents import Paper, PaperKind, Papers
from pulsekey.vault.vault import Vault

IMPORTS_MAX = 200


@dataclass(frozen=True, slots=True)
class PastImport:
    id: ImportId
    report: ImportReport


@dataclass(frozen=True, slots=True)
class ListImports:
    vault: Vault

    def __call__(self, patient: PatientId) -> tuple[PastImport, ...]:
        """Return the reports of a patient's imports."""
        newest = sorted(self._papers(patient), key=lambda paper: paper.received, reverse=True)[
            :IMPORTS_MAX
        ]
        return tuple(
            PastImport(
                ImportId(paper.key),
                report_from(canonical.decode(paper.content, where="import report")),
            )
            for paper in newest
        )

    def since(self, patient: PatientId, at: Micros) -> int:
        """Return how many imports came at `at` or later. What was in them is not told."""
        return sum(paper.received >= at for paper in self._papers(patient))

    def _papers(self, patient: PatientId) -> tuple[Paper, ...]:
        try:
            return tuple(Papers(self.vault).all(patient, PaperKind.IMPORT_REPORT))
        except NotFound:
            return ()  # Nothing was ever kept of them.
