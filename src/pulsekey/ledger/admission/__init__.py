"""The ledger's first layer: cheap, stateless judgement of what is submitted."""
