"""An authenticated, ordered, settled log of opaque operations; `pipeline.py` joins its layers."""
