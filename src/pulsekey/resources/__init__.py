"""FHIR R4 resources: structs generated from the official definitions, their codec, and sealed documents."""
