"""Pulsekey: sealed health records, opened by signed consent, proven on a ledger."""

__version__ = "0.1.0"
