"""What `stentor serve` prints when it is ready."""

from __future__ import annotations

from stentor.app.first_event import FirstEvent
from stentor.core.outputs import Address


def ready_text(*, base_url: str, udp: Address | None, store: str, first: FirstEvent | None) -> str:
    """A few lines for a terminal. The host link carries the host key: for the operator, never for a log."""
    lines = [
        "",
        f"  Stentor is ready at {base_url}",
        f"  Events in {store}" if udp is None else f"  Media on UDP {udp[0]}:{udp[1]}, events in {store}",
    ]
    if first is not None:
        lines += [
            "",
            f"  Event: {first.title}",
            f"  Host link (keep it to yourself):  {first.host_url(base_url)}",
            f"  Listener link (for everybody):    {first.listen_url(base_url)}",
        ]
    return "\n".join([*lines, "", "  Ctrl-C stops it.", ""])
