"""The reference page of the configuration, printed from `core/config.py`."""

from __future__ import annotations

from stentor.core.config import OPTIONS, Option

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

| option | value | default | what it is |
|---|---|---|---|
"""

FOOT = """
Two more variables belong to the client commands: `STENTOR_SERVER` (`--server` of `stentor event create`) and
`STENTOR_KEY` (`--key` of `stentor publish`).
"""


def reference_page() -> str:
    """The Markdown of `docs/configuration.md`."""
    return HEAD + "".join(_row(option) for option in OPTIONS) + FOOT


def _row(option: Option) -> str:
    form = option.kind.form.replace("|", "\\|") + (", several" if option.kind.many else "")
    default = f"`{option.default}`" if option.default is not None else ""
    return f"| `--{option.name}` | {form} | {default} | {option.help} |\n"
