"""Who gets in: tickets and seats."""
