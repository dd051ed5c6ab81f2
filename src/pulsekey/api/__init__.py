"""HTTP in, use cases called, HTTP out: the portal's JSON interface and the FHIR edge."""
