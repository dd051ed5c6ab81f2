"""The ledger's fifth layer: an append-only Merkle log (RFC 9162), laid out as C2SP tlog-tiles."""
