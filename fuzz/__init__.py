"""Long fuzzing of every parser of untrusted bytes: `python -m fuzz --seconds 600 --seed 7`."""
