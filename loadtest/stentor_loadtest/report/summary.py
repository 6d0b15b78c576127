"""The figures of a run, once, by name: the table, the JSON and the thresholds all read these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stentor_loadtest.histogram import percentile_of
from stentor_loadtest.listener.state import State
from stentor_loadtest.run.result import Member, RunResult

LATE = 0.020  # seconds: one Opus frame
SILENT = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value."""

    name: str
    """As in `--threshold` and in the JSON file."""
    value: float
    unit: str
    sentence: str


def summarize(result: RunResult) -> tuple[Figure, ...]:
    """Every figure of a run. Server figures only when its process id was given."""
    return (*_joins(result), *_media(result), *_returns(result), *_costs(result))


def _joins(result: RunResult) -> list[Figure]:
    heard = _until(result.listeners, "heard")
    dropped = sum(
        1 for listener in result.listeners if listener.state is State.FAILED and "heard" in listener.timings
    )
    seconds = result.joining_seconds
    return [
        Figure("joined", len(heard), "", "listeners that heard audio"),
        Figure("failed", sum(result.failures.values()), "", "listeners that never did"),
        Figure("dropped", dropped, "", "listeners that lost the server later"),
        Figure("joins_per_second", len(heard) / seconds if seconds else 0.0, "/s", "while they came"),
        Figure("join_p50_ms", percentile_of(heard, 50), "ms", "click to first audio packet, median"),
        Figure("join_p95_ms", percentile_of(heard, 95), "ms", "the same, 95th percentile"),
        Figure("join_p99_ms", percentile_of(heard, 99), "ms", "the same, 99th percentile"),
        Figure("answer_p50_ms", _step(result, "", "answered"), "ms", "of that, the HTTP answer, median"),
        Figure("ice_p50_ms", _step(result, "answered", "nominated"), "ms", "of that, ICE, median"),
        Figure("dtls_p50_ms", _step(result, "nominated", "connected"), "ms", "of that, DTLS, median"),
        Figure(
            "first_packet_p50_ms", _step(result, "connected", "heard"), "ms", "of that, waiting for audio"
        ),
        Figure(
            "connected_p95_ms",
            percentile_of(_until(result.listeners, "connected"), 95),
            "ms",
            "click to end of DTLS, 95th percentile",
        ),
    ]


def _until(listeners: Sequence[Member], step: str) -> list[float]:
    """Milliseconds from the click to a step, of those who got there."""
    return [1000 * listener.timings[step] for listener in listeners if step in listener.timings]


def _step(result: RunResult, before: str, after: str) -> float:
    """Median milliseconds between two steps."""
    timings = [listener.timings for listener in result.listeners if after in listener.timings]
    return percentile_of([1000 * (times[after] - times.get(before, 0.0)) for times in timings], 50)


def _media(result: RunResult) -> list[Figure]:
    receptions = [listener.reception for listener in result.listeners]
    expected = sum(reception.expected for reception in receptions)
    lost = sum(max(0, reception.lost) for reception in receptions)
    late = result.lateness
    gaps = [reception.longest_gap for reception in receptions]
    silent = sum(
        1
        for reception in receptions
        if reception.packets and reception.last_arrival < result.ended_at - SILENT
    )
    figures = [
        Figure("packets", sum(reception.packets for reception in receptions), "", "RTP packets received"),
        Figure("loss", 100 * lost / expected if expected else 0.0, "%", "packets that never came"),
        Figure("duplicates", sum(r.duplicates for r in receptions), "", "packets that came twice"),
        Figure("backwards", sum(r.backwards for r in receptions), "", "timestamps that went back"),
        Figure("late_20ms", 100 * late.share_above(LATE), "%", "packets later than 20 ms"),
        Figure("lateness_p50_ms", 1000 * late.percentile(50), "ms", "behind the quickest packet, median"),
        Figure("lateness_p99_ms", 1000 * late.percentile(99), "ms", "the same, 99th percentile"),
        Figure("longest_gap_ms", 1000 * max(gaps, default=0.0), "ms", "longest time without a packet"),
        Figure("silent", silent, "", "listeners without a packet in the last second"),
        Figure(
            "unreadable", sum(li.unreadable for li in result.listeners), "", "datagrams that did not verify"
        ),
        Figure(
            "sender_reports", sum(li.sender_reports for li in result.listeners), "", "RTCP sender reports"
        ),
    ]
    common = result.common_lateness
    if common is not None:
        figures += [
            Figure(
                "common_p99_ms",
                1000 * common.percentile(99),
                "ms",
                "behind the quickest packet to anybody, p99",
            ),
            Figure("consent_missed", result.consent_missed, "", "consent checks without an answer"),
        ]
    return figures


def _returns(result: RunResult) -> list[Figure]:
    """What a failure of the server was like, when the listeners come back by themselves."""
    found = result.returns
    if found is None:
        return []
    return [
        Figure("silences", found.silences, "", "times a listener heard nothing for 1.5 s or was hung up on"),
        Figure("back", found.back, "", "of those, how many ended"),
        Figure("back_p50_s", found.back_p50, "s", "from the last packet to the next one, median"),
        Figure("back_p95_s", found.back_p95, "s", "the same, 95th percentile"),
        Figure("back_max_s", found.back_max, "s", "the same, longest"),
        Figure("moved", found.moved, "", "sessions exchanged because the server asked for it"),
        Figure("with_gaps", found.with_gaps, "", "listeners that heard a gap: a packet's length and 60 ms"),
        Figure("lost_max_ms", 1000 * found.most_lost, "ms", "all gaps of the listener with the most"),
        Figure("outside", found.waiting, "", "listeners without a session at the end"),
    ]


def _costs(result: RunResult) -> list[Figure]:
    wall = result.wall_seconds or 1.0
    figures = [
        Figure("client_cpu", 100 * result.client_cpu_seconds / wall, "%", "of one core, this program"),
        Figure("client_lag_p99_ms", 1000 * result.loop_lag.percentile(99), "ms", "this program's own delay"),
        Figure("client_dropped", result.client_dropped, "", "datagrams this program was too slow for"),
    ]
    joins = max(1, len(result.listeners))
    if result.joining_client_cpu:
        each = 1000 * result.joining_client_cpu / joins
        figures.append(Figure("client_cpu_per_join_ms", each, "ms", "this program, listening included"))
    if result.joining_server_cpu is not None:
        each = 1000 * result.joining_server_cpu / joins
        figures.append(
            Figure("server_cpu_per_join_ms", each, "ms", "the server, audio sent meanwhile included")
        )
    before, after = result.server_before, result.server_after
    if before is not None and after is not None:
        used = after.cpu_seconds - before.cpu_seconds
        each = 100 * used / wall / max(1, len(result.listeners))
        grown = 100 * (after.resident_bytes / before.resident_bytes - 1)
        figures += [
            Figure("server_cpu", 100 * used / wall, "%", "of one core, the server's process"),
            Figure("server_cpu_per_listener", each, "%", "the same per listener"),
            Figure("server_memory_mb", after.resident_bytes / 2**20, "MB", "resident, at the end"),
            Figure("server_memory_growth", grown, "%", "since the start"),
        ]
    return figures
