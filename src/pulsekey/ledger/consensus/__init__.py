"""The ledger's second layer: one order, durable before anything is acknowledged."""
