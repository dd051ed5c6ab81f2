"""The ledger's sixth layer: whoever holds a receipt gets the batch back."""
