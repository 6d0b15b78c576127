"""Where things go: which shard takes a listener, which relay feeds which."""
