"""Records as FHIR R4, and FHIR questions about them. No routes, no storage."""
