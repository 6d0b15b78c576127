"""Stentor: live audio event hosting. One host talks, anyone with a link listens in a browser."""

__version__ = "0.1.0"
