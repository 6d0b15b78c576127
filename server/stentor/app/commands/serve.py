"""`stentor serve`."""

from __future__ import annotations

from typing import Any

import click

from stentor.app.commands.options import server_options, settings_from


@click.command()
@server_options
def serve(**arguments: Any) -> None:
    """Run the server until it is told to stop (SIGTERM or Ctrl-C).

    \b
    Every option can also be set in the environment (STENTOR_MAX_SEATS=500)
    or in a TOML file (max-seats = 500). `stentor config` prints the list.

    \b
    Examples:
      stentor serve --first-event "Town hall"
      stentor serve --http 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem --public-ip 203.0.113.7
    """
    settings = settings_from(arguments)
    # Here, so that `stentor --help` and the client commands start without loading the server.
    import uvloop

    from stentor.app import lifecycle

    uvloop.run(lifecycle.serve(settings))
