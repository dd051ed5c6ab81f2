"""The gate, and one file a verb: where data and consent meet."""
