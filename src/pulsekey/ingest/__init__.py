"""Payload in, series or clinical resources out; one file or folder a format, coverage declared."""
