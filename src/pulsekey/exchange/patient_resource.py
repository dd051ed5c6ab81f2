"""The Patient resource of a record: the imported one if it may be seen, else its id alone.

References to the patient have to lead somewhere (R4 2.3.0), so whoever reads anything of a record
can read this much: that there is a patient of this id.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pulsekey.exchange.gate import PATIENT_TYPE, Opened
from pulsekey.fhir.documents import document
from pulsekey.fhir.fragments import Json, dumps
from pulsekey.identity.principals import Identifier
from pulsekey.signals.category import Category


@dataclass(frozen=True, slots=True)
class Resource:
    body: bytes
    version: str


def patient_resource(opened: Opened, identifiers: Iterable[Identifier]) -> Resource:
    """Return the Patient of what was opened, under the id that every reference here uses."""
    for scope in opened.scopes:
        for record in scope.documents(types=PATIENT_TYPE, limit=1).documents:
            named = replace(record, id=opened.patient)
            return Resource(document(named, opened.resolve), str(record.version))
    bare: Json = {"resourceType": "Patient", "id": opened.patient}
    if Category.DEMOGRAPHICS in opened.categories:
        bare["identifier"] = [{"system": one.system, "value": one.value} for one in identifiers]
    return Resource(dumps(bare).encode(), "1")
