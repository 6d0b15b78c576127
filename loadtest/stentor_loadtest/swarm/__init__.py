"""Thousands of listeners in one process: C receives and counts, Python joins."""
