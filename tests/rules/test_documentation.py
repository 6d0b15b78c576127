"""What is printed from code equals what is written down, and what is written down exists."""

from __future__ import annotations

import re

from prometheus_client import CollectorRegistry

from stentor.app.config_page import reference_page
from stentor.gateway.problems import KINDS
from stentor.telemetry.metrics import Metrics
from support.sources import ROOT

DOCS = ROOT / "docs"
PATH_IN_TEXT = re.compile(r"`((?:core|net|cluster|telemetry|gateway|ingest|stage|relay|app)/[\w/]+\.py)`")
WEB_PATH = re.compile(r"`(client_web/[\w./-]+\.(?:tsx?|html|css))`")


def test_configuration_page_is_what_the_command_prints() -> None:
    assert (DOCS / "configuration.md").read_text("utf-8") == reference_page(), "run: make docs"


def test_every_series_is_documented_and_every_documented_series_exists() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    # A counter's family is named without the suffix that its samples have.
    exported = {family.name + ("_total" if family.type == "counter" else "") for family in registry.collect()}
    written = set(re.findall(r"`(stentor_[a-z_]+)", (DOCS / "operations.md").read_text("utf-8")))
    assert written == exported


def test_every_problem_is_documented_with_its_status() -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (\d{3}) \|", (DOCS / "protocol.md").read_text("utf-8"), re.MULTILINE
    )
    assert {slug: int(status) for slug, status in rows} == {
        slug: status for slug, (status, _) in KINDS.items()
    }


def test_every_source_file_that_the_documents_name_exists() -> None:
    missing = [
        f"{page.name}: {name}"
        for page in [*DOCS.rglob("*.md"), ROOT / "README.md"]
        for name in PATH_IN_TEXT.findall(page.read_text("utf-8"))
        if not (ROOT / "server" / "stentor" / name).is_file()
    ]
    missing += [
        f"{page.name}: {name}"
        for page in [*DOCS.rglob("*.md"), ROOT / "README.md"]
        for name in WEB_PATH.findall(page.read_text("utf-8"))
        if not (ROOT / name).is_file()
    ]
    assert missing == []


def test_every_link_between_the_documents_leads_somewhere() -> None:
    broken = []
    for page in [*DOCS.rglob("*.md"), ROOT / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []


def test_readme_makes_sound_by_line_15_and_names_both_commands() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert any("make run" in line for line in lines[:15])
    assert any("make test" in line for line in lines)
