"""Judges measurements: grades, ECG signal quality, daily totals and summaries; pure numerics."""
