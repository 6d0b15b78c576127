"""What every process of deploy/ is told: its command line and its environment."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import yaml

from support.kustomize import containers, pod_spec, render
from support.sources import ROOT

DEPLOY = ROOT / "deploy"
# What an operator fills in, and what Kubernetes does.
FILLED_IN = {"REDIS_PASSWORD": "a0b1", "STENTOR_PUBLIC_IP": "203.0.113.7"}
FIELDS = {"POD_IP": "10.244.1.5", "HOST_IP": "10.20.0.4"}


Told = tuple[str, list[str], dict[str, str]]
"""Its name, its arguments after `serve`, and its environment."""


def of_compose() -> Iterator[Told]:
    """The four of the compose file."""
    document = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text("utf-8"))
    for name, service in document["services"].items():
        if "STENTOR_ROLES" in service.get("environment", {}):
            environment = {key: _interpolate(str(value)) for key, value in service["environment"].items()}
            yield f"compose {name}", [], environment


def _interpolate(text: str) -> str:
    """`${NAME:-default}` and `${NAME:?message}` as Compose does."""

    def value(found: re.Match[str]) -> str:
        return FILLED_IN.get(found["name"]) or (found["rest"] if found["kind"] == ":-" else "")

    return re.sub(r"\$\{(?P<name>\w+)(?P<kind>:[-?])(?P<rest>[^}]*)\}", value, text)


def of_systemd() -> Iterator[Told]:
    """The units with the examples of /etc/stentor; of the relays the one on core 2."""
    folder = DEPLOY / "systemd"
    common = (folder / "stentor-.service.d" / "10-common.conf").read_text("utf-8")
    for unit, instance in (("stentor-gateway", ""), ("stentor-stage", ""), ("stentor-relay@", "2")):
        text = common + (folder / f"{unit}.service").read_text("utf-8")
        text = text.replace("%S", "/var/lib").replace("%N", unit + instance).replace("%i", instance)
        text = text.replace("%d", f"/run/credentials/{unit}{instance}.service")
        pairs = " ".join(re.findall(r"^Environment=(.*)$", text, re.MULTILINE)).split()
        for file in re.findall(r"^EnvironmentFile=/etc/stentor/(\S+)$", text, re.MULTILINE):
            lines = (folder / "etc" / file).read_text("utf-8").splitlines()
            pairs += [line for line in lines if line and not line.startswith("#")]
        (command,) = re.findall(r"^ExecStart=\S+ serve (.*)$", text, re.MULTILINE)
        yield f"systemd {unit}", shlex.split(command), dict(pair.split("=", 1) for pair in pairs)


def of_kubernetes() -> Iterator[Told]:
    """The containers of the example overlay."""
    documents = render(DEPLOY / "kubernetes" / "overlays" / "example")
    maps = {entry["metadata"]["name"]: entry["data"] for entry in documents if entry["kind"] == "ConfigMap"}
    for document in documents:
        for container in containers(document) if pod_spec(document) else ():
            if container.get("args", [])[:1] == ["serve"]:
                environment = dict(maps["stentor-config"])
                environment |= {entry["name"]: _expand(entry) for entry in container["env"]}
                yield f"kubernetes {container['name']}", container["args"][1:], environment


def _expand(entry: dict[str, Any]) -> str:
    if "valueFrom" in entry:
        return FIELDS.get(entry["name"], "redis://:a0b1@10.20.0.2:6379/0")
    return re.sub(r"\$\((\w+)\)", lambda found: FIELDS[found[1]], entry["value"])
