"""Many listeners at once: who joins when, and what it costs."""
