"""The ledger's third layer: a batch and a state in, steps and the next state out."""
