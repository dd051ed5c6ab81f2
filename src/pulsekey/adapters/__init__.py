"""Vendors behind our ports, a package for each technology."""
