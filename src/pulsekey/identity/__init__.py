"""Who someone is: ceremonies and credentials in, a principal out. Never what they may read."""
