"""The command line: what an operator types, and the story that `make demo` plays."""
