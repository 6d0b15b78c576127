"""Every series that Stentor exports, once. No label names a listener or an event."""

from __future__ import annotations

from typing import get_args

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from stentor.telemetry.words import (
    ConnectionRefusal,
    CostOf,
    DropReason,
    JoinStep,
    LoadKind,
    Outcome,
    SeatState,
    Tier,
)

# seconds: a tick is 20 ms, 5 ms is where join credits shrink, 40 ms is where shedding begins
LAG_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.1, 0.5)
# seconds: one round trip nearby up to a lost flight on a bad link
HANDSHAKE_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
JOIN_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """One object per process, built by `app` and handed to whoever counts something.

    An attribute has the name of its series without `stentor_` and the unit.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register every series; series with known label values start at 0 so that rates are right."""
        self.registry = registry
        self._build_audience(registry)
        self._build_media(registry)
        self._build_joins(registry)

    def _build_audience(self, registry: CollectorRegistry) -> None:
        self.listeners = Gauge(
            "stentor_listeners",
            "Listeners of this process by tier (webrtc) and state (half_open, connected).",
            ["tier", "state"],
            registry=registry,
        )
        self.relay_capacity = Gauge(
            "stentor_relay_capacity_listeners", "Seats this shard measured that it has.", registry=registry
        )
        self.queue_depth = Gauge(
            "stentor_queue_depth", "People in line whom this process knows of.", registry=registry
        )
        self.build_info = Gauge(
            "stentor_build_info",
            "Always 1; the labels say what runs.",
            ["version", "python"],
            registry=registry,
        )
        for tier in get_args(Tier):
            for state in get_args(SeatState):
                self.listeners.labels(tier=tier, state=state)

    def _build_media(self, registry: CollectorRegistry) -> None:
        self.rtp_packets_sent = Counter(
            "stentor_rtp_packets_sent_total",
            "RTP packets handed to the kernel for listeners.",
            registry=registry,
        )
        self.rtp_packets_dropped = Counter(
            "stentor_rtp_packets_dropped_total",
            "RTP packets for listeners that could not leave in their slot, by reason.",
            ["reason"],
            registry=registry,
        )
        self.fanout_lag = Histogram(
            "stentor_fanout_lag_seconds",
            "Per tick: when its last packet left minus when it was due.",
            buckets=LAG_BUCKETS,
            registry=registry,
        )
        self.relay_ptime = Gauge(
            "stentor_relay_ptime_ms", "Milliseconds of audio in a packet to listeners now.", registry=registry
        )
        self._build_load(registry)
        self.datagrams_dropped = Counter(
            "stentor_datagrams_dropped_total",
            "Datagrams that were received and not acted on, or that the socket would not take, by reason.",
            ["reason"],
            registry=registry,
        )
        for reason in get_args(DropReason):
            self.rtp_packets_dropped.labels(reason=reason)

    def _build_load(self, registry: CollectorRegistry) -> None:
        self.relay_join_credits = Gauge(
            "stentor_relay_join_credits_per_second",
            "Handshakes a second that this shard lets begin.",
            registry=registry,
        )
        self.relay_lateness = Gauge(
            "stentor_relay_lateness_seconds",
            "What credits and packet length go by: p90 of the last window's loop lag, or of its packets.",
            registry=registry,
        )
        self.relay_load = Gauge(
            "stentor_relay_load_ratio",
            "Share of this shard's cores: predicted for its listeners at this packet length, and measured.",
            ["kind"],
            registry=registry,
        )
        self.relay_braking = Gauge(
            "stentor_relay_braking", "1 while nobody new may join here, for load.", registry=registry
        )
        self.relay_cost = Gauge(
            "stentor_relay_cost_seconds",
            "Measured CPU time of a packet, of a second of receiving from a listener, of a join.",
            ["of"],
            registry=registry,
        )
        for kind in get_args(LoadKind):
            self.relay_load.labels(kind=kind)
        for of in get_args(CostOf):
            self.relay_cost.labels(of=of)

    def _build_joins(self, registry: CollectorRegistry) -> None:
        self.joins = Counter(
            "stentor_joins_total",
            "Joins that reached each step, or were refused.",
            ["step"],
            registry=registry,
        )
        self.dtls_handshake = Histogram(
            "stentor_dtls_handshake_seconds",
            "From the first verified Binding request to the end of the DTLS handshake.",
            buckets=HANDSHAKE_BUCKETS,
            registry=registry,
        )
        self.join_seconds = Histogram(
            "stentor_join_seconds",
            "From the answer to the first packet sent to the listener.",
            ["tier"],
            buckets=JOIN_BUCKETS,
            registry=registry,
        )
        self.admission_decisions = Counter(
            "stentor_admission_decisions_total",
            "What those who asked for a seat were told, by outcome.",
            ["outcome"],
            registry=registry,
        )
        self.connections_refused = Counter(
            "stentor_connections_refused_total",
            "HTTP connections that were turned away or given up, by reason.",
            ["reason"],
            registry=registry,
        )
        for reason in get_args(ConnectionRefusal):
            self.connections_refused.labels(reason=reason)
        for step in get_args(JoinStep):
            self.joins.labels(step=step)
        for tier in get_args(Tier):
            self.join_seconds.labels(tier=tier)
        for outcome in get_args(Outcome):
            self.admission_decisions.labels(outcome=outcome)

    def step(self, step: JoinStep) -> None:
        """Count one step of a join."""
        self.joins.labels(step=step).inc()

    def decided(self, outcome: Outcome) -> None:
        """Count one admission decision."""
        self.admission_decisions.labels(outcome=outcome).inc()

    def connection_refused(self, reason: ConnectionRefusal) -> None:
        """Count one HTTP connection that was turned away or given up."""
        self.connections_refused.labels(reason=reason).inc()

    def dropped(self, reason: DropReason, packets: int = 1) -> None:
        """Count packets that did not leave."""
        self.rtp_packets_dropped.labels(reason=reason).inc(packets)

    def seated(self, tier: Tier, state: SeatState, count: int) -> None:
        """Say how many listeners there are now."""
        self.listeners.labels(tier=tier, state=state).set(count)

    def built(self, *, version: str, python: str) -> None:
        """Say what runs here."""
        self.build_info.labels(version=version, python=python).set(1)

    def render(self) -> tuple[bytes, str]:
        """The Prometheus text and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
