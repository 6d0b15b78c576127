"""Value types that several commands share."""

from __future__ import annotations

import click

SECONDS = click.FloatRange(min=0, min_open=True)
