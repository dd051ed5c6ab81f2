"""Sample data that the project ships: excerpts of real records, and makers of realistic ones."""
