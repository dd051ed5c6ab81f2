"""FHIR R4 resources: generated structs, their codec, and clinical documents."""
