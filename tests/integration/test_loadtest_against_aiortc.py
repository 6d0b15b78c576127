"""The synthetic listener against a WebRTC stack that shares no code with it or with the server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stentor_loadtest.report.outcome import conclude
from stentor_loadtest.report.thresholds import parse_threshold
from stentor_loadtest.run.engine import RunResult, run
from stentor_loadtest.run.settings import RunSettings
from stentor_loadtest.wire.srtp import PROFILES
from support.aiortc_whep import AiortcWhep


@pytest.fixture
async def far_end() -> AsyncIterator[tuple[AiortcWhep, str]]:
    whep = AiortcWhep()
    yield whep, await whep.start()
    await whep.stop()


async def test_listener_joins_decrypts_and_says_goodbye(far_end: tuple[AiortcWhep, str]) -> None:
    whep, base = far_end
    settings = RunSettings(base, "any", listeners=2, rate=20.0, seconds=2.0, verify_every=1)
    result = await run(settings)
    assert not result.failures
    for listener in result.listeners:
        assert listener.profile in PROFILES
        assert listener.reception.packets > 60
        assert listener.reception.lost == 0
        assert listener.unreadable == 0
        assert listener.sender_reports >= 1
    assert whep.deleted == 2


async def test_receiver_reports_reach_the_sender(far_end: tuple[AiortcWhep, str]) -> None:
    whep, base = far_end
    seen: dict[str, int] = {}

    async def run_and_ask() -> RunResult:
        result = await run(RunSettings(base, "any", listeners=1, rate=20.0, seconds=1.5))
        stats = await whep.peers[0].getSenders()[0].getStats()
        seen.update({report.type: 1 for report in stats.values()})
        return result

    await run_and_ask()
    assert "remote-inbound-rtp" in seen


async def test_refusal_is_counted_by_its_status(far_end: tuple[AiortcWhep, str]) -> None:
    _, base = far_end
    result = await run(RunSettings(base, "full", listeners=3, rate=50.0, seconds=0.1))
    assert result.failures == {"http 503": 3}
    outcome = conclude("steady", result, [parse_threshold("failed<=0")])
    assert (outcome.word, outcome.exit_code) == ("no-go", 99)
