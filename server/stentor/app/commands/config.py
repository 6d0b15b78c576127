"""`stentor config`: the reference page, and what is in force."""

from __future__ import annotations

from typing import Any

import click

from stentor.app.commands.options import server_options, settings_from
from stentor.app.config_page import reference_page
from stentor.app.settings import print_settings


@click.group(invoke_without_command=True)
@click.pass_context
def config(context: click.Context) -> None:
    """Check or print the configuration; alone, print the page that explains every option.

    \b
    Examples:
      stentor config > docs/configuration.md
      stentor config check --config stentor.toml
      STENTOR_MAX_SEATS=500 stentor config print
    """
    if context.invoked_subcommand is None:
        click.echo(reference_page(), nl=False)


@config.command()
@server_options
def check(**arguments: Any) -> None:
    """Say whether a configuration is right: exit 0, or 2 with the key that is wrong.

    \b
    Example:
      stentor config check --config stentor.toml
    """
    settings_from(arguments)
    click.echo("the configuration is right")


@config.command(name="print")
@server_options
def print_(**arguments: Any) -> None:
    """Print what is in force as a TOML file (without passwords).

    \b
    Example:
      stentor config print --max-seats 500 > stentor.toml
    """
    click.echo(print_settings(settings_from(arguments)), nl=False)
