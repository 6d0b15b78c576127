"""What a run found, for people (text, HTML) and for scripts (JSON, exit code)."""
