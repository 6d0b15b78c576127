"""`stentor doctor`."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click

from stentor.app.commands.options import server_options, settings_from

EXIT_FAILED = 1
MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


@click.command()
@server_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def doctor(as_json: bool, **arguments: Any) -> int:
    """Say whether this machine can run the server, and what to do where it cannot.

    Takes the options of `stentor serve`. Exit 0 when nothing fails, else 1. A server that runs
    already holds its ports, so give the doctor others then.

    \b
    Examples:
      stentor doctor
      stentor doctor --http 0.0.0.0:443 --redis redis://10.0.0.5
    """
    settings = settings_from(arguments)
    from stentor.app.doctor import examine  # here, so that the other commands start without what it looks at

    findings = examine(settings)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            remedy = f"\n{'':18}-> {finding.remedy}" if finding.remedy else ""
            click.echo(f"{MARKS[finding.verdict]}  {finding.name:<12}{finding.text}{remedy}")
    return EXIT_FAILED if any(finding.verdict == "fail" for finding in findings) else 0
