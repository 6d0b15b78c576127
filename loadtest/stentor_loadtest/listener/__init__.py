"""One synthetic listener: joins over WHEP, hears, counts."""
