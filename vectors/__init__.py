"""Golden cases in plain JSON: what a second implementation in any language must reproduce."""
