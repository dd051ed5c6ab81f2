"""Consent: operations, terms, the program that executes them, and the decision whether a read may happen."""
