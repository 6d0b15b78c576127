"""The `stentor` command: one line per subcommand here, each in its own module under `app/commands`."""

from __future__ import annotations

import sys
from importlib.metadata import version

import click

from stentor.app.commands.config import config
from stentor.app.commands.doctor import doctor
from stentor.app.commands.event import event
from stentor.app.commands.listen import listen
from stentor.app.commands.publish import publish
from stentor.app.commands.serve import serve
from stentor.core.config import ConfigError
from stentor.core.errors import StentorError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells expect


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("stentor"), message="stentor %(version)s")
def stentor() -> None:
    """Live audio events: one host talks, anyone with the link listens in a browser.

    \b
    Examples:
      stentor serve --first-event "Town hall"
      stentor event create --title "Town hall"
      stentor publish http://127.0.0.1:8080/whip/EVENT --key HOST_KEY --tone
      stentor listen http://127.0.0.1:8080/whep/EVENT --seconds 10 -o heard.wav
    """


stentor.add_command(serve)
stentor.add_command(event)
stentor.add_command(publish)
stentor.add_command(listen)
stentor.add_command(doctor)
stentor.add_command(config)


def main() -> None:
    """Run the command. Exit 0 done, 1 failed, 2 bad input or configuration (one line on stderr says what)."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Like `main`, but returns the exit status."""
    try:
        # Outside click's standalone mode a command's return value, or ctx.exit()'s status, comes back here.
        return int(stentor.main(arguments, prog_name="stentor", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return EXIT_USAGE
    except click.ClickException as error:
        return _fail(_with_command(error), EXIT_USAGE)
    except ConfigError as error:
        return _fail(str(error), EXIT_USAGE)
    except StentorError as error:
        return _fail(str(error), EXIT_FAILED)
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED


def _with_command(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" ({context.command_path} --help shows how)" if context else ""
    return error.format_message().replace("\n", " ") + hint


def _fail(message: str, status: int) -> int:
    click.echo(f"stentor: {message}", err=True)
    return status
