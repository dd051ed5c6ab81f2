"""Pulsekey: sealed health records, opened by signed consent, proven on a ledger."""
