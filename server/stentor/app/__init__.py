"""Command line, settings and wiring: the only place where objects are built and joined."""
