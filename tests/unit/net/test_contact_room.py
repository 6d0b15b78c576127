"""Who waits for a handshake to start, and in which order they go in."""

from __future__ import annotations

import pytest

from stentor.core.webrtc.capsule import PeekedCapsule
from stentor.net import contact_room
from stentor.net.contact_room import ContactRoom, capsule_of
from stentor.net.native_core import UpRecord
from support.memory_peer import MemoryPeer


class Gate:
    """Has as many credits as a test gives it."""

    def __init__(self, new: int, returning: int = 100) -> None:
        self.left = {False: new, True: returning}

    def is_returning(self, capsule: PeekedCapsule) -> bool:
        return False

    def has_credit(self, *, returning: bool) -> bool:
        self.left[returning] -= 1
        return self.left[returning] >= 0


def contact(number: int, data: bytes = b"") -> UpRecord:
    return UpRecord(0, 1, ("198.51.100.1", number), "192.0.2.1", data)


def ports(room: ContactRoom, gate: Gate, *, now: float = 0.0) -> list[int]:
    """Who goes in, in order."""
    taken = []
    while (record := room.take(now, gate)) is not None:
        taken.append(record.address[1])
    return taken


def test_people_go_in_as_they_came_and_those_who_return_before_them() -> None:
    room = ContactRoom()
    for number, returning in ((1, False), (2, True), (3, False), (4, True)):
        assert room.enter(contact(number), 0.0, returning=returning)
    assert ports(room, Gate(new=1)) == [2, 4, 1]
    assert len(room) == 1


def test_new_people_go_in_while_those_who_return_may_not() -> None:
    room = ContactRoom()
    room.enter(contact(1), 0.0, returning=True)
    room.enter(contact(2), 0.0, returning=False)
    assert ports(room, Gate(new=1, returning=0)) == [2]


def test_repetition_keeps_the_place_and_brings_the_newest_datagram() -> None:
    room = ContactRoom()
    room.enter(contact(1, b"first"), 0.0, returning=False)
    room.enter(contact(2), 0.0, returning=False)
    assert room.repeat(contact(1, b"second"), 0.5)
    assert not room.repeat(contact(3), 0.5)
    record = room.take(0.5, Gate(new=1))
    assert record is not None and (record.address[1], record.data) == (1, b"second")


def test_whoever_has_fallen_silent_has_lost_the_place() -> None:
    room = ContactRoom()
    for number in (1, 2, 3):
        room.enter(contact(number), 0.0, returning=False)
    room.repeat(contact(2), 1.0)
    late = contact_room.SILENT + 0.5
    assert ports(room, Gate(new=9), now=late) == [2]
    assert len(room) == 0


def test_room_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_room, "CAPACITY", 2)
    room = ContactRoom()
    assert room.enter(contact(1), 0.0, returning=True) and room.enter(contact(2), 0.0, returning=False)
    assert not room.enter(contact(3), 0.0, returning=True)


def test_capsule_of_a_contact_says_whose_it_is() -> None:
    peer = MemoryPeer()
    found = capsule_of(contact(1, peer.binding()))
    assert found == (peer.capsule.session, peer.capsule.ticket, peer.capsule.event, False)


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x00\x00", bytes(40), b"\x16\xfe\xfd" + bytes(40)])
def test_what_is_no_contact_has_no_capsule(data: bytes) -> None:
    assert capsule_of(contact(1, data)) is None
