from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from stentor.telemetry.metrics import Metrics

# name in the text format -> (type, labels besides those of histograms)
PROMISED = {
    "stentor_listeners": ("gauge", {"tier", "state"}),
    "stentor_rtp_packets_sent": ("counter", set()),
    "stentor_rtp_packets_dropped": ("counter", {"reason"}),
    "stentor_fanout_lag_seconds": ("histogram", set()),
    "stentor_dtls_handshake_seconds": ("histogram", set()),
    "stentor_joins": ("counter", {"step"}),
    "stentor_join_seconds": ("histogram", {"tier"}),
    "stentor_queue_depth": ("gauge", set()),
    "stentor_admission_decisions": ("counter", {"outcome"}),
    "stentor_relay_capacity_listeners": ("gauge", set()),
    "stentor_relay_ptime_ms": ("gauge", set()),
    "stentor_build_info": ("gauge", {"version", "python"}),
}


@pytest.fixture
def metrics() -> Metrics:
    metrics = Metrics(CollectorRegistry())
    metrics.built(version="1.2.3", python="3.11.2")
    return metrics


def test_every_promised_series_is_there_with_its_type_labels_and_help(metrics: Metrics) -> None:
    text = metrics.render()[0].decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for name, (kind, labels) in PROMISED.items():
        family = families[name]
        assert family.type == kind and family.documentation.endswith(".")
        assert family.samples, name  # also before anything has happened
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == labels


# beyond the architecture's list, for operators: what the ports threw away
MORE = {
    "stentor_connections_refused",
    "stentor_datagrams_dropped",
    "stentor_relay_join_credits_per_second",
    "stentor_relay_lateness_seconds",
    "stentor_relay_load_ratio",
    "stentor_relay_braking",
    "stentor_relay_cost_seconds",
}


def test_nothing_is_exported_that_was_not_promised(metrics: Metrics) -> None:
    text = metrics.render()[0].decode()
    names = {family.name.removesuffix("_created") for family in text_string_to_metric_families(text)}
    assert names == PROMISED.keys() | MORE


def test_counting_shows(metrics: Metrics) -> None:
    metrics.step("answer")
    metrics.decided("no_room")
    metrics.dropped("late", 3)
    metrics.seated("webrtc", "connected", 42)
    value = metrics.registry.get_sample_value
    assert value("stentor_joins_total", {"step": "answer"}) == 1
    assert value("stentor_admission_decisions_total", {"outcome": "no_room"}) == 1
    assert value("stentor_rtp_packets_dropped_total", {"reason": "late"}) == 3
    assert value("stentor_listeners", {"tier": "webrtc", "state": "connected"}) == 42
    assert value("stentor_build_info", {"version": "1.2.3", "python": "3.11.2"}) == 1


def test_two_processes_in_one_test_do_not_share_a_registry() -> None:
    one, two = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    one.step("offer")
    assert two.registry.get_sample_value("stentor_joins_total", {"step": "offer"}) == 0
