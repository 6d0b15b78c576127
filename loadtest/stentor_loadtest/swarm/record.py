"""What every listener heard, one by one: after a failure, who was hit and who was not."""

from __future__ import annotations

from collections.abc import Sequence

from stentor_loadtest.histogram import percentile_of
from stentor_loadtest.listener.state import State
from stentor_loadtest.run.result import Record, Returns
from stentor_loadtest.swarm.member import Change, SwarmMember
from stentor_loadtest.swarm.meter import SILENT


def record_of(member: SwarmMember, *, ended_at: float) -> Record:
    """One listener's, when it is frozen. Times are wall-clock seconds, durations milliseconds."""
    hearing, received = member.hearing, member.reception
    silences = [[gap.begin, gap.end] for gap in hearing.silences]
    open_since = hearing.last_arrival if 0 < hearing.last_arrival < ended_at - SILENT else None
    return {
        "listener": member.number,
        "first_heard": hearing.first_arrival or None,
        "last_heard": hearing.last_arrival or None,
        "packets": received.packets,
        "lost": received.lost,
        "late": received.late,
        "longest_gap_ms": round(1000 * hearing.longest_gap, 1),
        "gaps": hearing.gaps,
        "lost_ms": round(1000 * hearing.lost, 1),
        "silences": [*silences, *([[open_since, None]] if open_since is not None else [])],
        "sessions": [
            {
                "shard": session.shard,
                "begin": session.clicked_at,
                "end": session.ended_at,
                "heard_after_ms": round(1000 * session.timings["heard"], 1)
                if "heard" in session.timings
                else None,
            }
            for session in member.sessions
        ],
        "changes": [_change(change) for change in member.changes],
    }


def returns_of(members: Sequence[SwarmMember]) -> Returns:
    """The same in figures."""
    changes = [change for member in members for change in member.changes]
    lost = [change for change in changes if change.why != "moved"]
    back = [change.heard - change.begin for change in lost if change.heard is not None]
    moved = [change for change in changes if change.why == "moved" and change.heard is not None]
    hearings = [member.hearing for member in members]
    return Returns(
        silences=len(lost),
        back=len(back),
        back_p50=percentile_of(back, 50),
        back_p95=percentile_of(back, 95),
        back_max=max(back, default=0.0),
        moved=len(moved),
        with_gaps=sum(1 for hearing in hearings if hearing.gaps > 0),
        most_lost=max((hearing.lost for hearing in hearings), default=0.0),
        waiting=sum(1 for member in members if member.state is not State.LISTENING),
    )


def _change(change: Change) -> Record:
    return {
        "why": change.why,
        "begin": change.begin,
        "heard": change.heard,
        "attempts": change.attempts,
        "from_shard": change.from_shard,
        "to_shard": change.to_shard,
    }
