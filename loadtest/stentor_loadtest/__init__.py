"""Stentor's load test: many small listeners that know the server only through HTTP and UDP."""
