"""Any EVM behind a JSON-RPC URL."""
