"""Ids, clock, canonical bytes, domain tags, hashing, the assertion check, errors."""
