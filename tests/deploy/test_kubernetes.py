"""The Kubernetes manifests, rendered and held against the API's own schemas and against our rules."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from stentor.app.cluster_process import EMPTY_WITHIN
from support.deployed_options import unknown_flags, unknown_variables
from support.kustomize import Document, KustomizeError, containers, pod_spec, render
from support.sources import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
# The oldest release that these must still be valid for, and the newest that the schemas know.
VERSIONS = ("1.29", "1.37")
BASE = render(FOLDER / "base")
EXAMPLE = render(FOLDER / "overlays" / "example")
WORKLOADS = [document for document in EXAMPLE if pod_spec(document) is not None]
STENTOR = [document for document in WORKLOADS if document["metadata"]["name"] != "stentor-cache"]


def name(document: Document) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def of_kind(kind: str) -> list[Document]:
    return [document for document in EXAMPLE if document["kind"] == kind]


def selected(labels: dict[str, str]) -> list[str]:
    """The workloads whose pods carry these labels."""
    return [
        name(workload)
        for workload in WORKLOADS
        if labels.items() <= workload["spec"]["template"]["metadata"]["labels"].items()
    ]


def pod(document: Document) -> Document:
    found = pod_spec(document)
    assert found is not None
    return found


def environment(container: Document) -> dict[str, Any]:
    return {entry["name"]: entry for entry in container.get("env", [])}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", [*BASE, *EXAMPLE], ids=name)
def test_api_server_would_take(document: Document, version: str) -> None:
    kubernetes_validate.validate(copy.deepcopy(document), version, strict=True)


def test_a_mistake_would_be_noticed() -> None:
    broken = copy.deepcopy(WORKLOADS[0])
    broken["spec"]["template"]["spec"]["hostNetworks"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_overlay_changes_what_it_says() -> None:
    text = str(EXAMPLE)
    assert "live.example.org" not in text
    assert "10.0.0.0/16" not in text
    (relay,) = [document for document in WORKLOADS if document["metadata"]["name"] == "stentor-relay"]
    assert relay["spec"]["replicas"] == 4
    assert {next(containers(document))["image"] for document in STENTOR} == {
        "registry.example.org/stentor:0.1.0"
    }


def test_loader_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: []\ncomponents: [x]\n", "utf-8")
    with pytest.raises(KustomizeError, match="components"):
        render(tmp_path)


def test_there_are_two_of_everything_that_must_not_be_missed() -> None:
    assert {document["metadata"]["name"]: document["spec"]["replicas"] >= 2 for document in WORKLOADS} == {
        "stentor-gateway": True,
        "stentor-stage": True,
        "stentor-relay": True,
        "stentor-cache": True,
    }


@pytest.mark.parametrize("document", WORKLOADS, ids=name)
def test_pod_may_do_no_more_than_it_needs(document: Document) -> None:
    spec = pod(document)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert not {"hostPID", "hostIPC"} & set(spec)
    for container in containers(document):
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert own["readOnlyRootFilesystem"] is True
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert ":" in container["image"]


@pytest.mark.parametrize("document", WORKLOADS, ids=name)
def test_pod_has_probes_and_resources_and_is_never_throttled(document: Document) -> None:
    for container in containers(document):
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert set(container["resources"]["limits"]) == {"memory"}
        ports = {port["name"] for port in container["ports"]}
        for probe in ("livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] in ports


@pytest.mark.parametrize("document", STENTOR, ids=name)
def test_liveness_is_the_own_loop_and_readiness_is_whether_to_send_traffic(document: Document) -> None:
    for container in containers(document):
        assert container["startupProbe"]["httpGet"]["path"] == "/healthz"
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


@pytest.mark.parametrize("document", STENTOR, ids=name)
def test_every_option_exists(document: Document) -> None:
    for container in containers(document):
        assert unknown_flags(" ".join(container["args"])) == set()
        assert unknown_variables(" ".join(environment(container))) == set()
    (config,) = [entry for entry in of_kind("ConfigMap") if entry["metadata"]["name"] == "stentor-config"]
    assert unknown_variables(" ".join(config["data"])) == set()
    (mount,) = [entry for entry in container["volumeMounts"] if entry["name"] == "secrets"]
    assert config["data"]["STENTOR_CLUSTER_SECRET_FILE"] == f"{mount['mountPath']}/cluster-secret"


@pytest.mark.parametrize("document", STENTOR, ids=name)
def test_node_tells_the_others_its_own_address(document: Document) -> None:
    (container,) = containers(document)
    variables = environment(container)
    host, _, port = variables["STENTOR_CLUSTER"]["value"].rpartition(":")
    source = variables[host.strip("$()")]["valueFrom"]["fieldRef"]["fieldPath"]
    assert source == ("status.hostIP" if pod(document).get("hostNetwork") else "status.podIP")
    (cluster,) = [entry for entry in container["ports"] if entry["name"] == "cluster"]
    assert (cluster["containerPort"], cluster["protocol"]) == (int(port), "UDP")


def test_ports_on_the_nodes_do_not_meet() -> None:
    ports = [
        (port["hostPort"], port["protocol"])
        for document in WORKLOADS
        if pod(document).get("hostNetwork")
        for container in containers(document)
        for port in container["ports"]
    ]
    assert len(ports) == len(set(ports)) == 6


def test_media_roles_are_on_the_nodes_network_and_leave_no_time_to_chance() -> None:
    on_host = {document["metadata"]["name"] for document in WORKLOADS if pod(document).get("hostNetwork")}
    assert on_host == {"stentor-stage", "stentor-relay"}
    for document in WORKLOADS:
        if pod(document).get("hostNetwork"):
            assert pod(document)["dnsPolicy"] == "ClusterFirstWithHostNet"
            assert pod(document)["terminationGracePeriodSeconds"] >= EMPTY_WITHIN + 15


@pytest.mark.parametrize("document", WORKLOADS, ids=name)
def test_whoever_is_still_sent_to_is_waited_for_and_time_is_left_to_end(document: Document) -> None:
    (container,) = containers(document)
    if document["metadata"]["name"] == "stentor-stage":
        assert "lifecycle" not in container  # no Service in front, no listener to move
        return
    *command, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command in (["sleep"], ["python", "/opt/stentor/hooks/drain.py"])
    left = EMPTY_WITHIN + 15 if command[0] == "python" else 20
    assert int(seconds) + left <= pod(document)["terminationGracePeriodSeconds"]


def test_every_workload_has_a_disruption_budget_of_one() -> None:
    budgets = {
        tuple(selected(budget["spec"]["selector"]["matchLabels"])): budget["spec"]["maxUnavailable"]
        for budget in of_kind("PodDisruptionBudget")
    }
    assert budgets == {(name(workload),): 1 for workload in WORKLOADS}


def test_every_selector_finds_its_own_pods_and_no_others() -> None:
    for document in (*of_kind("Service"), *WORKLOADS):
        selector = document["spec"]["selector"]
        (found,) = selected(selector.get("matchLabels", selector))
        assert found.endswith("/" + document["metadata"]["name"])
    for document in WORKLOADS:
        for constraint in pod(document)["topologySpreadConstraints"]:
            assert selected(constraint["labelSelector"]["matchLabels"]) == [name(document)]


def test_ingress_leads_to_the_cache_and_the_cache_to_the_gateways() -> None:
    services = {document["metadata"]["name"]: document["spec"] for document in of_kind("Service")}
    (ingress,) = of_kind("Ingress")
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]["ports"]}
    assert backend["name"] == "stentor-cache"
    (proxy,) = [entry for entry in of_kind("ConfigMap") if entry["metadata"]["name"] == "stentor-proxy"]
    assert "server stentor-gateway:8080 " in proxy["data"]["nginx-plain.conf"]
    assert services["stentor-gateway"]["ports"][0]["port"] == 8080


def test_no_secret_is_in_here_only_its_name() -> None:
    assert of_kind("Secret") == []
    for document in STENTOR:
        (container,) = containers(document)
        reference = environment(container)["STENTOR_REDIS"]["valueFrom"]["secretKeyRef"]
        assert reference == {"name": "stentor-secrets", "key": "redis-url"}
        (volume,) = [entry["secret"] for entry in pod(document)["volumes"] if "secret" in entry]
        assert volume["secretName"] == "stentor-secrets"
        assert volume["defaultMode"] & 0o007 == 0


def test_what_is_mounted_or_read_is_defined() -> None:
    maps = {document["metadata"]["name"] for document in of_kind("ConfigMap")}
    for document in WORKLOADS:
        volumes = {entry["name"]: entry for entry in pod(document)["volumes"]}
        for container in containers(document):
            assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
            assert {entry["configMapRef"]["name"] for entry in container.get("envFrom", [])} <= maps
        assert {entry["configMap"]["name"] for entry in volumes.values() if "configMap" in entry} <= maps


def test_everything_is_denied_but_what_a_policy_lists() -> None:
    policies = {document["metadata"]["name"]: document["spec"] for document in of_kind("NetworkPolicy")}
    deny = policies.pop("stentor-default-deny")
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for policy in policies.values():
        assert len(selected(policy["podSelector"]["matchLabels"])) == 1
        for rule in policy["ingress"]:
            assert rule["from"]
            assert rule["ports"]


def test_cluster_port_of_a_gateway_is_open_to_nodes_of_the_cluster_alone() -> None:
    (policy,) = [
        entry for entry in of_kind("NetworkPolicy") if entry["metadata"]["name"] == "stentor-gateway"
    ]
    (rule,) = [
        rule for rule in policy["spec"]["ingress"] if {"port": 8082, "protocol": "UDP"} in rule["ports"]
    ]
    pods, nodes = rule["from"]
    assert len(selected(pods["podSelector"]["matchLabels"])) == len(WORKLOADS)
    assert nodes == {"ipBlock": {"cidr": "10.20.0.0/16"}}
