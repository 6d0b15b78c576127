"""What an Opus packet says of itself without being decoded (RFC 6716 section 3)."""
