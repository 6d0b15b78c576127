"""Two ports joined in memory: what arrives, what does not, and what is asked and answered once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stentor.core.errors import RemoteError
from stentor.core.mesh.commands import EndEvent, EndSession
from stentor.core.mesh.envelope import Envelope, Sender, control_key, seal_envelope
from stentor.core.mesh.messages import Answer, Ask, GatewayBeat, Unsubscribe, Value, encode_message
from stentor.net import mesh_port
from stentor.net.mesh_answers import MAX_AT_WORK
from stentor.net.mesh_port import AskError, AskRefusedError, AskTimeoutError, MeshPort, StaleEpochError
from support.mesh import KEY, MeshWire, address_of, node_of
from support.virtual_loop import run_virtually

HELLO = Unsubscribe(b"event..!", 7)
COMMAND = EndEvent("abcd2345")


def joined() -> tuple[MeshWire, MeshPort, MeshPort]:
    wire = MeshWire()
    return wire, wire.port("a"), wire.port("b")


async def settle() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


async def test_message_reaches_its_handler_with_its_sender() -> None:
    _, a, b = joined()
    heard: list[tuple[Unsubscribe, Sender]] = []
    b.on(Unsubscribe, lambda message, sender: heard.append((message, sender)))
    assert a.tell(HELLO, address_of("b"))
    await settle()
    assert heard == [(HELLO, Sender(node_of("a"), address_of("a")))]


async def test_recorded_datagram_is_heard_once() -> None:
    wire, a, b = joined()
    heard: list[Unsubscribe] = []
    b.on(Unsubscribe, lambda message, _: heard.append(message))
    a.tell(HELLO, address_of("b"))
    await settle()
    b.on_datagram(wire.sent[0][0], ("attacker", 9))
    assert len(heard) == 1 and b.dropped == {"replayed": 1}


async def test_what_is_not_for_us_is_dropped_and_counted() -> None:
    wire, a, b = joined()
    b.tell(HELLO, address_of("a"))
    b.on_datagram(wire.sent[0][0], address_of("a"))
    stranger = MeshWire().port("x", key=control_key(b"another cluster"))
    for port in (stranger, a):
        port.tell(HELLO, address_of("b"))
    forged = seal_envelope(Envelope(0, b"stranger", 1, b""), control_key(b"another cluster"))
    b.on_datagram(forged, ("x", 1))
    b.on_datagram(seal_envelope(Envelope(99, node_of("a"), 50, b""), KEY), address_of("a"))
    b.on_datagram(b"\xc5 too short", ("x", 1))
    await settle()
    assert b.dropped == {
        "reflected": 1,
        "envelope mac": 1,
        "message": 1,
        "envelope format": 1,
        "unhandled": 1,
    }


@given(st.binary(max_size=1500))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_datagram_is_taken_or_dropped_and_raises_nothing(data: bytes) -> None:
    async def main() -> None:
        MeshWire().port("a").on_datagram(data, ("x", 1))

    asyncio.run(main())


async def test_handler_that_refuses_harms_nobody() -> None:
    _, a, b = joined()

    def refuse(_message: Unsubscribe, _sender: Sender) -> None:
        raise RemoteError("no")

    b.on(Unsubscribe, refuse)
    a.tell(HELLO, address_of("b"))
    await settle()
    assert b.dropped == {"refused": 1}


async def test_word_of_somebody_who_was_replaced_is_counted_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wire, reasons = MeshWire(), list[str]()
    a, b = wire.port("a"), wire.port("b", on_drop=reasons.append)

    def refuse(_message: Unsubscribe, _sender: Sender) -> None:
        raise StaleEpochError("stage", 4, 5)

    b.on(Unsubscribe, refuse)
    for _ in range(3):
        a.tell(HELLO, address_of("b"))
    await settle()
    assert b.dropped == {"stale stage": 3} and reasons == ["stale stage"] * 3
    assert caplog.text.count("stage epoch 4 speaks, 5 is known: not followed") == 1


async def test_budget_holds_back_what_would_flood_the_others() -> None:
    wire = MeshWire()
    port = wire.port("a", send_rate=1.0, send_burst=3)
    assert [port.tell(HELLO, address_of("b")) for _ in range(5)] == [True] * 3 + [False] * 2
    assert len(wire.sent) == 3 and port.dropped == {"budget": 2}


def answering(value: Value, asked: list[Ask]) -> Callable[[Ask, Sender], Awaitable[Value]]:
    async def answer(ask: Ask, _sender: Sender) -> Value:
        asked.append(ask)
        return value

    return answer


async def test_ask_is_answered() -> None:
    _, a, b = joined()
    asked: list[Ask] = []
    b.on_ask(answering(True, asked))
    command = EndSession(7, b"session!")
    assert await a.ask(command, node=b.node, address=address_of("b")) is True
    assert [(ask.command, ask.to) for ask in asked] == [(command, b.node)]


def test_lost_ask_and_lost_answer_are_made_up_for_and_nothing_is_done_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        wire, a, b = joined()
        asked: list[Ask] = []
        b.on_ask(answering("done", asked))
        wire.loses = lambda number: number in (0, 2)  # the first ask, then the first answer
        began = asyncio.get_running_loop().time()
        assert await a.ask(COMMAND, node=b.node, address=address_of("b")) == "done"
        assert asyncio.get_running_loop().time() - began == pytest.approx(0.3)
        assert len(asked) == 1

    run_virtually(monkeypatch, main())


def test_silent_node_is_given_up_after_three_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        wire, a, b = joined()
        wire.loses = lambda _: True
        began = asyncio.get_running_loop().time()
        with pytest.raises(AskTimeoutError, match=b.node.hex()):
            await a.ask(COMMAND, node=b.node, address=address_of("b"))
        assert asyncio.get_running_loop().time() - began == pytest.approx(0.45)
        assert len(wire.sent) == 3

    run_virtually(monkeypatch, main())


def test_repeated_ask_that_is_still_at_work_is_not_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        _, a, b = joined()
        begun: list[Ask] = []

        async def slow(ask: Ask, _sender: Sender) -> Value:
            begun.append(ask)
            await asyncio.sleep(0.4)
            return 1

        b.on_ask(slow)
        assert await a.ask(COMMAND, node=b.node, address=address_of("b")) == 1
        assert len(begun) == 1

    run_virtually(monkeypatch, main())


async def test_refusal_is_told_with_its_reason() -> None:
    _, a, b = joined()

    async def refuse(_ask: Ask, _sender: Sender) -> Value:
        raise RemoteError("not today")

    b.on_ask(refuse)
    with pytest.raises(AskRefusedError, match="not today"):
        await a.ask(COMMAND, node=b.node, address=address_of("b"))


async def test_fault_of_the_asked_node_is_a_refusal_too(caplog: pytest.LogCaptureFixture) -> None:
    _, a, b = joined()

    async def fail(_ask: Ask, _sender: Sender) -> Value:
        raise ZeroDivisionError

    b.on_ask(fail)
    with pytest.raises(AskRefusedError, match="see the log"):
        await a.ask(COMMAND, node=b.node, address=address_of("b"))
    assert "ZeroDivisionError" in caplog.text


async def test_ask_for_another_node_does_nothing() -> None:
    _, a, b = joined()
    asked: list[Ask] = []
    b.on_ask(answering(True, asked))
    a.tell(Ask(1, b"another!", COMMAND), address_of("b"))
    await settle()
    assert asked == [] and b.dropped == {"ask misdirected": 1}


async def test_answer_of_a_node_that_was_not_asked_is_dropped() -> None:
    wire, a, b = joined()
    asking = asyncio.create_task(a.ask(COMMAND, node=b"somebody", address=("nowhere", 1)))
    await settle()
    b.tell(Answer(1, True, 5), address_of("a"))
    await settle()
    assert a.dropped == {"answer unasked": 1} and not asking.done()
    a.stop()
    with pytest.raises(AskError, match="stopping"):
        await asking
    assert wire.sent


async def test_asks_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_port, "MAX_PENDING", 1)
    _, a, b = joined()
    first = asyncio.create_task(a.ask(COMMAND, node=b.node, address=("nowhere", 1)))
    await settle()
    with pytest.raises(AskError, match="too many"):
        await a.ask(COMMAND, node=b.node, address=("nowhere", 1))
    a.stop()
    await asyncio.gather(first, return_exceptions=True)


async def test_asks_at_work_are_bounded() -> None:
    wire, a, b = joined()
    free = asyncio.Event()

    async def wait(_ask: Ask, _sender: Sender) -> Value:
        await free.wait()
        return None

    b.on_ask(wait)
    for number in range(MAX_AT_WORK + 5):
        a.tell(Ask(number, b.node, COMMAND), address_of("b"))
    await settle()
    assert b.dropped == {"ask unanswered": 5}
    b.stop()
    assert len(wire.sent) == MAX_AT_WORK + 5


def neighbours() -> tuple[MeshWire, MeshPort, MeshPort]:
    wire, near = MeshWire(), {}
    a, b = (wire.port(name, neighbours=near) for name in "ab")
    return wire, a, b


async def test_ports_of_one_process_tell_and_ask_each_other_without_a_datagram() -> None:
    wire, a, b = neighbours()
    heard: list[tuple[Unsubscribe, Sender]] = []
    b.on(Unsubscribe, lambda message, sender: heard.append((message, sender)))
    b.on_ask(answering("done", asked := []))
    assert a.tell(HELLO, address_of("b")) and heard == []  # handled after, as what comes by the wire
    await settle()
    assert heard == [(HELLO, Sender(a.node, address_of("a")))]
    assert await a.ask(COMMAND, node=b.node, address=address_of("b")) == "done"
    assert len(asked) == 1 and wire.sent == []


async def test_port_that_has_stopped_is_no_neighbour() -> None:
    wire, a, b = neighbours()
    a.tell(HELLO, address_of("b"))
    b.stop()
    await settle()
    assert b.dropped == {"stopped": 1}
    a.tell(HELLO, address_of("b"))
    assert len(wire.sent) == 1


async def test_port_that_tells_itself_is_reflected_as_ever() -> None:
    wire, a, _ = neighbours()
    a.tell(HELLO, address_of("a"))
    await settle()
    assert len(wire.sent) == 1 and a.dropped == {"reflected": 1}


async def test_ask_is_not_answered_where_nobody_answers() -> None:
    _, a, b = joined()
    a.tell(Ask(1, b.node, COMMAND), address_of("b"))
    a.tell(GatewayBeat(), address_of("b"))
    await settle()
    assert b.dropped == {"ask unanswered": 1, "unhandled": 1}
    assert encode_message(GatewayBeat())[1]
