from __future__ import annotations

from stentor.core.admission.arrivals import Arrivals
from stentor.core.admission.laws import Laws
from stentor.core.admission.line import Serving
from stentor.gateway.line_leader import SILENT_AFTER, LineLeader
from stentor.gateway.line_notes import LineCounts, Room

EVENT = b"event-ky"
OTHER = b"other-ky"
START = 1_000_000  # ms


def counts(
    people: int, *, event: bytes = EVENT, epoch: int = 1, present: int = 0, serving: Serving | None = None
) -> LineCounts:
    arrivals = Arrivals(Laws())
    for number in range(people):
        arrivals.add(START + number * 10)
    return LineCounts(event, epoch, serving or Serving(), 0, arrivals, present, ())


def room(free: int = 1000, rate: float = 10.0) -> Room:
    return Room(free=free, offered=1000, credit_rate=rate)


def test_nobody_is_called_before_somebody_waits() -> None:
    leader = LineLeader()
    leader.on_counts(b"a", counts(0), now=0.0)
    leader.on_room(b"a", room(), now=0.0)
    assert leader.step(0.0, now_ms=START) == []


def test_pool_of_called_people_is_filled_in_the_order_of_arrival() -> None:
    leader = LineLeader()
    leader.on_counts(b"a", counts(500), now=0.0)
    leader.on_room(b"a", room(), now=0.0)
    (notice,) = leader.step(0.0, now_ms=START + 60_000)
    assert notice.release is not None and 40 <= notice.release.people <= 60  # five seconds of credits
    assert START <= notice.serving.arrival_ms < START + 1000
    assert notice.waiting == 500 - notice.release.people
    assert notice.curve[-1][1] == 500


def test_full_house_calls_nobody_and_keeps_the_order() -> None:
    leader = LineLeader()
    leader.on_counts(b"a", counts(500), now=0.0)
    leader.on_room(b"a", room(free=0), now=0.0)
    (notice,) = leader.step(0.0, now_ms=START + 60_000)
    assert notice.release is None and notice.waiting == 500 and notice.serving == Serving()


def test_counts_and_rooms_of_all_gateways_add_up() -> None:
    alone, two = LineLeader(), LineLeader()
    alone.on_counts(b"a", counts(500), now=0.0)
    alone.on_room(b"a", room(rate=20.0), now=0.0)
    for name in (b"a", b"b"):
        two.on_counts(name, counts(250), now=0.0)
        two.on_room(name, room(rate=10.0), now=0.0)
    one_release = alone.step(0.0, now_ms=START + 60_000)[0].release
    two_release = two.step(0.0, now_ms=START + 60_000)[0].release
    assert one_release is not None and two_release is not None
    assert abs(one_release.people - two_release.people) <= 10


def test_gateway_that_fell_silent_offers_nothing_but_its_people_stay_in_line() -> None:
    leader = LineLeader()
    leader.on_counts(b"a", counts(100, present=50), now=0.0)
    leader.on_room(b"a", room(), now=0.0)
    (notice,) = leader.step(SILENT_AFTER + 1.0, now_ms=START + 60_000)
    assert (notice.release, notice.waiting, notice.present) == (None, 100, 0)


def test_new_leader_goes_on_from_the_highest_thresholds_anybody_has_seen() -> None:
    leader = LineLeader()
    leader.on_counts(b"a", counts(500, serving=Serving(0, START + 2000)), now=0.0)
    leader.on_counts(b"b", counts(0, serving=Serving(0, START + 3000)), now=0.0)
    leader.on_room(b"a", room(), now=0.0)
    (notice,) = leader.step(0.0, now_ms=START + 60_000)
    assert notice.serving.arrival_ms > START + 3000


def test_report_of_an_older_line_is_ignored_and_a_newer_one_begins_anew() -> None:
    leader = LineLeader()
    leader.on_room(b"a", room(free=0), now=0.0)
    leader.on_counts(b"a", counts(10, epoch=2), now=0.0)
    leader.on_counts(b"a", counts(500, epoch=1), now=0.0)
    assert leader.step(0.0, now_ms=START)[0].waiting == 10
    leader.on_counts(b"a", counts(7, epoch=3), now=0.0)
    (notice,) = leader.step(0.0, now_ms=START)
    assert (notice.epoch, notice.waiting) == (3, 7)


def test_two_lines_share_the_room_by_their_length() -> None:
    leader = LineLeader()
    leader.on_room(b"a", room(free=100, rate=40.0), now=0.0)
    leader.on_counts(b"a", counts(900, event=EVENT), now=0.0)
    leader.on_counts(b"a", counts(300, event=OTHER), now=0.0)
    people = {
        notice.event: notice.release.people
        for notice in leader.step(0.0, now_ms=START + 60_000)
        if notice.release is not None
    }
    assert sum(people.values()) <= 125
    assert 2.0 < people[EVENT] / people[OTHER] < 4.0
