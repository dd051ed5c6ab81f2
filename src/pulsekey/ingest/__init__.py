"""Payload in, series or clinical resources out; one file a format, coverage declared."""
