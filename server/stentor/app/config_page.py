"""The reference page of the configuration, printed from `core/config.py`."""

from __future__ import annotations

from stentor.core.config import SERVER_OPTIONS
from stentor.core.law_options import LAW_OPTIONS
from stentor.core.option import Option

HEAD = """\
# Configuration

Printed by `stentor config`; do not edit. Each option can be written in three places, and the first of these
that has it counts:

1. on the command line of `stentor serve`: `--max-seats 500`
2. in the environment: `STENTOR_MAX_SEATS=500`
3. in a TOML file named by `--config FILE` or `STENTOR_CONFIG`: `max-seats = 500`

A key that does not exist stops the start with its name. An option that may be given several times is repeated
on the command line, separated by spaces in the environment, and a list in the file. `stentor config check`
says whether a configuration is right, `stentor config print` shows what is in force.
"""

TABLE = """
| option | value | default | what it is |
|---|---|---|---|
"""

FOOT = """
Two more variables belong to the client commands: `STENTOR_SERVER` (`--server` of `stentor event create`) and
`STENTOR_KEY` (`--key` of `stentor publish`).
"""

LAWS = """
## The laws of admission

How many are seated, how fast people join, when packets get longer, and who is called when. What is shipped
is meant to fit every machine, because costs are measured while it runs; nobody has to change any of these.
Shares are from 0 to 1. They are set like every other option. `core/admission/laws.py` is their source.
"""


def reference_page() -> str:
    """The Markdown of `docs/configuration.md`."""
    return HEAD + _table(SERVER_OPTIONS) + FOOT + LAWS + _table(LAW_OPTIONS)


def _table(options: tuple[Option, ...]) -> str:
    return TABLE + "".join(_row(option) for option in options)


def _row(option: Option) -> str:
    form = option.kind.form.replace("|", "\\|") + (", several" if option.kind.many else "")
    default = f"`{option.default}`" if option.default is not None else ""
    return f"| `--{option.name}` | {form} | {default} | {option.help} |\n"
