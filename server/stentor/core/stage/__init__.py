"""The program stream: what listeners hear, whoever is speaking."""
