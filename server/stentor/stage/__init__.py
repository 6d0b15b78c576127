"""One program stream per event."""
