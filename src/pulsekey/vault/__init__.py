"""Sealed, versioned, content-addressed records of patients; their keys, manifests and index."""
