"""Apple Health: the export archive, its XML, its ECG files."""
