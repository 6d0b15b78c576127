"""`stentor listen`."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stentor.app.commands.limits import SECONDS
from stentor.core.event_links import listening
from stentor.net import clock

if TYPE_CHECKING:
    from stentor.app.listen import Listened

EXIT_NOTHING_HEARD = 1


@click.command()
@click.argument("link")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="OUT.wav",
              help="Write what is heard, 48 kHz stereo.")  # fmt: skip
@click.option("--seconds", type=SECONDS, metavar="N", help="Stop after N seconds.")
@click.option("--hashes", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write one hash per Opus payload, in sequence order.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def listen(link: str, output: Path | None, seconds: float | None, hashes: Path | None, as_json: bool) -> int:
    """Be a listener of an event and say what arrived: packets, losses, gaps.

    LINK is a listener link or a WHEP address.
    Exit 0 when something was heard, 1 when nothing was.

    \b
    Examples:
      stentor listen http://127.0.0.1:8080/e/EVENT --seconds 10
      stentor listen http://127.0.0.1:8080/whep/EVENT -o heard.wav --hashes heard.txt --json
    """
    # Here, so that the other commands start without loading aiortc and FFmpeg.
    from stentor.app.hashes import hash_file
    from stentor.app.heard import HeardPacket
    from stentor.app.listen import listen_to
    from stentor.app.wav import WavRecorder

    with contextlib.ExitStack() as files:
        write_hash = files.enter_context(hash_file(hashes))
        recorder = files.enter_context(WavRecorder(output)) if output else None

        def take(packet: HeardPacket) -> None:
            write_hash(packet.payload)
            if recorder:
                recorder.write(packet.timestamp, packet.payload)

        result = asyncio.run(listen_to(listening(link), seconds=seconds, clock=clock.monotonic, take=take))
    click.echo(json.dumps(_flat(result)) if as_json else _text(result))
    return 0 if result.heard.packets else EXIT_NOTHING_HEARD


def _flat(result: Listened) -> dict[str, object]:
    values = dataclasses.asdict(result)
    counts: dict[str, object] = values.pop("heard")
    return counts | values


def _text(result: Listened) -> str:
    heard = result.heard
    first = f"first packet after {result.first_packet_ms} ms" if heard.packets else "no packet came"
    lines = [
        f"packets  {heard.packets}",
        f"lost     {heard.lost}",
        f"gaps     {heard.gaps} (longest {heard.longest_gap_ms} ms)",
        f"late     {heard.late} (latest {heard.latest_ms} ms)",
        f"connected in {result.connect_ms} ms, {first}, listened for {result.seconds:.1f} s",
    ]
    return "\n".join(lines + (["the server ended the session"] if result.ended_by_server else []))
