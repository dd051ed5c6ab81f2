"""Garmin FIT activity files: messages in, columns out."""
