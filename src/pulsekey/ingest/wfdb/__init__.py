"""PhysioNet WFDB: header, signals and annotations, zipped as one record."""
