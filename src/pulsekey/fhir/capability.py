"""The CapabilityStatement: generated from the tables that search itself runs on, never written."""

from collections.abc import Collection
from dataclasses import dataclass

from pulsekey.fhir import systems
from pulsekey.fhir.fragments import Json, dumps
from pulsekey.fhir.instants import instant_text
from pulsekey.fhir.parameters import OFFICIAL
from pulsekey.fhir.search import SUPPORTED
from pulsekey.primitives.clock import Micros

DATES = (
    "A date without a zone is taken in UTC. A sample whose zone nobody knows shows its local date, "
    "and is found by it."
)
DEFINITION = "http://hl7.org/fhir/StructureDefinition"
SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"


@dataclass(frozen=True, slots=True)
class Wired:
    """What a node has: `types` it serves, its FHIR `base`, `version` and when it was `built`."""

    base: str
    types: Collection[str]
    version: str
    built: Micros


def capability(wired: Wired) -> bytes:
    """Return the CapabilityStatement of a node."""
    resources = [_resource(name) for name in sorted(wired.types)]
    security = {
        "cors": True,
        "service": [{"text": "Bearer token, obtained by confirming with a passkey"}],
        "description": "Reading needs a live consent of the patient; each read is decided anew.",
    }
    statement: Json = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": instant_text(wired.built),
        "kind": "instance",
        "software": {"name": "Pulsekey", "version": wired.version},
        "implementation": {"description": "A Pulsekey node", "url": wired.base},
        "fhirVersion": systems.FHIR_VERSION,
        "format": ["json", systems.MEDIA_TYPE],
        "rest": [
            {"mode": "server", "documentation": DATES, "security": security, "resource": resources}
        ],
    }
    return dumps(statement).encode()


def _resource(name: str) -> Json:
    official = OFFICIAL[name] | OFFICIAL["Resource"] if name in OFFICIAL else {}
    parameters = [
        {"name": one, "definition": official[one].url, "type": official[one].kind}
        for one in SUPPORTED.get(name, ())
    ]
    interactions = [{"code": "read"}] + [{"code": "search-type"}] * bool(parameters)
    out: Json = {
        "type": name,
        "profile": f"{DEFINITION}/{name}",
        "interaction": interactions,
        "versioning": "versioned",
        "readHistory": False,
        "conditionalRead": "not-match",
        "updateCreate": False,
        "referencePolicy": ["literal", "logical"],
    }
    return out | ({"searchParam": parameters} if parameters else {})
