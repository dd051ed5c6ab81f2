"""Figures of this machine: `make bench` runs every module, each in a process of its own."""
