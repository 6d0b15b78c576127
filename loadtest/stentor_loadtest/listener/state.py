"""How far a listener is, and every legal move."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """How far a listener is."""

    NEW = "new"
    OFFERING = "offering"
    CHECKING = "checking"
    HANDSHAKING = "handshaking"
    CONNECTED = "connected"
    LISTENING = "listening"
    CLOSED = "closed"
    FAILED = "failed"


MOVES: dict[State, frozenset[State]] = {
    State.NEW: frozenset({State.OFFERING, State.CLOSED}),
    State.OFFERING: frozenset({State.CHECKING, State.FAILED, State.CLOSED}),
    State.CHECKING: frozenset({State.HANDSHAKING, State.FAILED, State.CLOSED}),
    State.HANDSHAKING: frozenset({State.CONNECTED, State.FAILED, State.CLOSED}),
    State.CONNECTED: frozenset({State.LISTENING, State.FAILED, State.CLOSED}),
    State.LISTENING: frozenset({State.FAILED, State.CLOSED}),
    State.FAILED: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}
