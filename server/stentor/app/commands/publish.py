"""`stentor publish`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from click.core import ParameterSource

from stentor.app.commands.limits import SECONDS
from stentor.core.event_links import publishing
from stentor.net import clock


@click.command()
@click.argument("link")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key",
    envvar="STENTOR_KEY",
    metavar="HOST_KEY",
    help="The host key, where LINK has none; also STENTOR_KEY.",
)
@click.option("--tone", is_flag=True, help="Send 440 Hz with a chirp each second instead of a file.")
@click.option("--seconds", type=SECONDS, metavar="N", help="Stop after N seconds.")
@click.option("--loop", is_flag=True, help="Start the file again at its end.")
@click.option("--hashes", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write one hash per Opus payload sent.")  # fmt: skip
def publish(
    link: str,
    file: Path | None,
    key: str | None,
    tone: bool,
    seconds: float | None,
    loop: bool,
    hashes: Path | None,
) -> None:
    """Be the host of an event: send FILE, or a tone, to LINK, a studio link or a WHIP address.

    A file of Ogg or WebM Opus with 20 ms packets is sent as it is; anything else FFmpeg can
    read is encoded to Opus at 64 kbit/s.

    \b
    Examples:
      stentor publish 'http://127.0.0.1:8080/studio/EVENT#key=HOST_KEY' --tone
      stentor publish http://127.0.0.1:8080/whip/EVENT --key HOST_KEY talk.opus --hashes sent.txt
    """
    if (file is None) != tone:
        raise click.UsageError("give either a FILE or --tone", click.get_current_context())
    whip_url, key_of_link = publishing(link)
    context = click.get_current_context()
    if key_of_link and context.get_parameter_source("key") is not ParameterSource.COMMANDLINE:
        key = key_of_link  # the variable may be of another event
    if not key:
        raise click.UsageError("give --key, or a studio link with its #key=", context)
    # Here, so that the other commands start without loading aiortc and FFmpeg.
    from stentor.app.hashes import hash_file
    from stentor.app.opus_encode import encode_opus
    from stentor.app.publish import limited, publish_packets
    from stentor.app.sound_file import file_packets
    from stentor.app.tone import tone_pcm

    packets = encode_opus(tone_pcm(), channels=1) if file is None else file_packets(file, loop=loop)
    if seconds is not None:
        packets = limited(packets, seconds)
    with hash_file(hashes) as write_hash:
        total = asyncio.run(publish_packets(whip_url, key, packets, clock=clock.monotonic, sent=write_hash))
    click.echo(f"sent {total.packets} packets, {total.seconds:.2f} s")
