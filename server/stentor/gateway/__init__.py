"""HTTP: pages, event API, WHIP and WHEP signalling."""
