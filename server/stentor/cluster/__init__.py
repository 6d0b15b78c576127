"""What nodes know of each other: the directory, event records and the embedded store."""
