"""`stentor event`."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import click

from stentor.app.event_client import create_event

PRINTED = ("id", "host_url", "listen_url", "whip_url", "whep_url", "host_key")


class StartTime(click.ParamType[str]):
    """An ISO 8601 time with its zone, handed on in UTC."""

    name = "ISO8601"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """`2030-05-01T20:00:00+02:00` to `2030-05-01T18:00:00Z`."""
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2030-05-01T18:00:00Z", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no time zone; write 2030-05-01T18:00:00Z or ...+02:00", param, ctx)
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@click.group()
def event() -> None:
    """Create events on a running server.

    \b
    Example:
      stentor event create --title "Town hall"
    """


@event.command()
@click.option("--title", required=True, metavar="T", help="What listeners see.")
@click.option("--starts-at", type=StartTime(), help="When it starts, with time zone.")
@click.option("--server", metavar="URL", envvar="STENTOR_SERVER", default="http://127.0.0.1:8080",
              show_default=True, help="Where the server is; also STENTOR_SERVER.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create(title: str, starts_at: str | None, server: str, as_json: bool) -> None:
    """Create an event and print its links and its host key.

    The host key is shown this one time: whoever has it can speak in the event.

    \b
    Examples:
      stentor event create --title "Town hall"
      stentor event create --title "Launch" --starts-at 2030-05-01T18:00:00Z --json
    """
    created = asyncio.run(create_event(server, title=title, starts_at=starts_at))
    if as_json:
        click.echo(json.dumps(created, ensure_ascii=False))
        return
    for name in PRINTED:
        click.echo(f"{name:<11}{created.get(name, '')}")
