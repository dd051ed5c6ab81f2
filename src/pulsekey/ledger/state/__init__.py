"""The ledger's fourth layer: an authenticated map that proves presence and absence."""
