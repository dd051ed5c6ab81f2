"""The pages that people use: shells rendered here, filled in the browser by small modules."""
