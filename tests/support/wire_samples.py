"""Samples of real traffic, kept as files under `tests/wire`."""

from __future__ import annotations

from pathlib import Path

WIRE = Path(__file__).parents[1] / "wire"


def sdp_sample(name: str) -> str:
    """One offer, line ends as posted."""
    return (WIRE / "sdp" / f"{name}.sdp").read_bytes().decode()


def sdp_samples() -> list[str]:
    """The names of all offers."""
    return sorted(path.stem for path in (WIRE / "sdp").glob("*.sdp"))


def stun_sample(name: str) -> bytes:
    """One STUN message; the files are hexadecimal with comments after `#`."""
    lines = (WIRE / "stun" / f"{name}.hex").read_text().splitlines()
    return bytes.fromhex("".join(line.partition("#")[0] for line in lines))
