"""The access log, read receipts, and evidence files with their verifier."""
