"""Consent: operations, terms, the program that executes them, the decision on a read."""
