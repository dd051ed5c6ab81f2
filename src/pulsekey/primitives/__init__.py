"""What everything else is made of: ids, times, canonical bytes, domain tags, hashing, assertions, errors."""
