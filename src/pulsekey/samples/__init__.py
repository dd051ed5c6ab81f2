"""Sample data that the project ships: excerpts of real records, and generators of realistic ones."""
