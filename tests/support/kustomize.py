"""As much of kustomize as deploy/kubernetes uses; anything else is an error, so nothing is silently left out.

The reference is kustomize itself: `kubectl kustomize deploy/kubernetes/overlays/example`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]

KNOWN = {
    "apiVersion",
    "kind",
    "namespace",
    "labels",
    "resources",
    "images",
    "replicas",
    "patches",
    "configMapGenerator",
    "generatorOptions",
}
CLUSTER_WIDE = {"Namespace"}


class KustomizeError(Exception):
    """A kustomization says something this loader does not know, or a patch that fits nothing."""


def read_documents(file: Path) -> list[Document]:
    """The YAML documents of a file, empty ones left out."""
    return [document for document in yaml.safe_load_all(file.read_text("utf-8")) if document]


def render(folder: Path) -> list[Document]:
    """What `kubectl kustomize FOLDER` prints, as documents. Raises KustomizeError."""
    (recipe,) = read_documents(folder / "kustomization.yaml")
    unknown = set(recipe) - KNOWN
    if unknown:
        raise KustomizeError(f"{folder}: unknown {sorted(unknown)}")
    documents = [document for name in recipe.get("resources", []) for document in _load(folder / name)]
    documents += [_config_map(folder, entry, recipe) for entry in recipe.get("configMapGenerator", [])]
    for patch in recipe.get("patches", []):
        _patch(documents, patch)
    for document in documents:
        _set_namespace(document, recipe.get("namespace"))
        for entry in recipe.get("labels", []):
            _set_labels(document, entry)
        for entry in recipe.get("images", []):
            _set_image(document, entry)
        for entry in recipe.get("replicas", []):
            if document["metadata"]["name"] == entry["name"] and "replicas" in document.get("spec", {}):
                document["spec"]["replicas"] = entry["count"]
    return documents


def pod_spec(document: Document) -> Document | None:
    """The pod that a workload makes, or None for anything that makes none."""
    template = document.get("spec", {}).get("template")
    return template["spec"] if isinstance(template, dict) else None


def containers(document: Document) -> Iterator[Document]:
    """Every container of a workload."""
    pod = pod_spec(document)
    if pod is not None:
        yield from pod["containers"]
        yield from pod.get("initContainers", [])


def _load(path: Path) -> list[Document]:
    return render(path) if path.is_dir() else read_documents(path)


def _config_map(folder: Path, entry: Document, recipe: Document) -> Document:
    if set(entry) != {"name", "files"} or not recipe["generatorOptions"]["disableNameSuffixHash"]:
        raise KustomizeError(f"{folder}: a generator that is not name and files, without a suffix")
    data = {name: (folder / name).read_text("utf-8") for name in entry["files"]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": entry["name"]}, "data": data}


def _set_namespace(document: Document, namespace: str | None) -> None:
    if namespace is not None and document["kind"] not in CLUSTER_WIDE:
        document["metadata"]["namespace"] = namespace


def _set_labels(document: Document, entry: Document) -> None:
    if set(entry) != {"pairs", "includeTemplates"} or not entry["includeTemplates"]:
        raise KustomizeError("labels without includeTemplates, or with selectors")
    document["metadata"].setdefault("labels", {}).update(entry["pairs"])
    if pod_spec(document) is not None:
        document["spec"]["template"]["metadata"]["labels"].update(entry["pairs"])


def _set_image(document: Document, entry: Document) -> None:
    for container in containers(document):
        if container["image"].partition(":")[0] == entry["name"]:
            container["image"] = f"{entry['newName']}:{entry['newTag']}"


def _patch(documents: list[Document], patch: Document) -> None:
    target = patch["target"]
    chosen = [
        document
        for document in documents
        if document["kind"] == target["kind"] and document["metadata"]["name"] == target["name"]
    ]
    if not chosen:
        raise KustomizeError(f"a patch for {target} fits nothing")
    for document in chosen:
        for operation in yaml.safe_load(patch["patch"]):
            _replace(document, operation)


def _replace(document: Document, operation: Document) -> None:
    """One `replace` of RFC 6902 section 4.3: the place must exist."""
    if operation["op"] != "replace":
        raise KustomizeError(f"{operation['op']} is not replace")
    *way, last = [
        part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]
    ]  # RFC 6901 section 4
    place: Any = document
    try:
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        key: Any = int(last) if isinstance(place, list) else last
        place[key]  # must be there
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise KustomizeError(f"{operation['path']}: no such place") from error
    place[key] = copy.deepcopy(operation["value"])
