from __future__ import annotations

from stentor.core.admission.line import Release, Serving
from stentor.core.admission.ticket import Ticket
from stentor.gateway.event_line import PRESENT_FOR
from stentor.gateway.line_desk import FORGOTTEN_AFTER, LineDesk, Verdict
from stentor.gateway.line_notes import Room, ServingNotice

EVENT = b"event-ky"
ROOMY = Room(free=100, offered=100, credit_rate=10.0)
HOUSE_FULL = Room(free=0, offered=100, credit_rate=10.0)


def ticket(number: int, arrival_ms: int = 1000) -> Ticket:
    return Ticket(EVENT, 1, number.to_bytes(8, "big"), arrival_ms, 0, 0)


def knock(desk: LineDesk, who: Ticket, now: float, *, is_new: bool = False, resume: bool = False) -> Verdict:
    return desk.knock(EVENT, 1, who, is_new=is_new, may_resume=resume, now=now)


def serve(desk: LineDesk, arrival_ms: int, now: float, *, number: int = 1, people: int = 1) -> None:
    serving = Serving(0, arrival_ms)
    release = Release(number, now, people, serving)
    desk.on_notice(ServingNotice(EVENT, 1, serving, release, 3, 0), now=now, wall_ms=0)


def refuse(desk: LineDesk, who: Ticket, now: float, *, is_new: bool = False) -> int:
    return desk.turned_back(EVENT, 1, who, verdict=Verdict("enter", is_new=is_new), now=now)


def test_while_nobody_waits_everybody_is_let_through() -> None:
    desk = LineDesk()
    for number in range(50):
        assert knock(desk, ticket(number), 0.0, is_new=True).word == "enter"
        desk.seated(EVENT, 1, ticket(number), now=0.0)
    line = desk.line(EVENT)
    assert line is not None and line.counts().arrivals.total == 0 and line.is_open


def test_first_one_turned_back_begins_the_line() -> None:
    desk = LineDesk()
    desk.tick(0.0, Room(free=100, offered=100, credit_rate=0.0))
    knock(desk, ticket(1), 0.0, is_new=True)
    assert refuse(desk, ticket(1), 0.0, is_new=True) >= 1
    assert knock(desk, ticket(2, 2000), 0.0, is_new=True).word == "wait"
    assert knock(desk, ticket(1), 0.1).word == "too-early"
    line = desk.line(EVENT)
    assert line is not None and line.counts().arrivals.total == 1  # the second has not come back yet


def test_crowd_that_brings_no_ticket_back_is_seated_as_fast_as_there_are_credits() -> None:
    desk = LineDesk()
    desk.tick(0.0, ROOMY)
    seated = 0
    for second in range(30):
        left = 10
        for number in range(50):  # each with a new ticket at every try
            who = ticket(100 * second + number)
            if knock(desk, who, float(second), is_new=True).word != "enter":
                continue
            if left:
                left -= 1
                seated += 1
                desk.seated(EVENT, 1, who, now=float(second))
            else:
                refuse(desk, who, float(second), is_new=True)
        desk.tick(second + 0.99, ROOMY)
    assert seated >= 10 * 20


def test_last_seats_go_to_whoever_comes_when_nobody_is_in_line() -> None:
    desk = LineDesk()
    nearly_full = Room(free=1, offered=100, credit_rate=10.0)
    refuse(desk, ticket(1), 0.0)
    words = []
    for second in range(20):
        desk.tick(float(second), nearly_full)
        words.append(knock(desk, ticket(10 + second), float(second), is_new=True).word)
    assert words[0] == "wait" and words[-1] == "enter"


def test_place_is_counted_once_however_often_it_is_shown() -> None:
    desk = LineDesk()
    refuse(desk, ticket(1), 0.0)
    for _ in range(20):
        verdict = knock(desk, ticket(1), 0.0)
        assert (verdict.word, verdict.retry_after >= 1) == ("too-early", True)
    counts = desk.counts(EVENT)
    assert counts is not None and counts.arrivals.total == 1


def test_called_ticket_enters_and_is_counted_for_its_release_once() -> None:
    desk = LineDesk()
    refuse(desk, ticket(1, 1000), 0.0)
    refuse(desk, ticket(2, 9000), 0.0)
    serve(desk, 1500, 1.0, number=7)
    for _ in range(3):
        assert knock(desk, ticket(1, 1000), 1.5).word == "enter"
        refuse(desk, ticket(1, 1000), 1.5)
    assert knock(desk, ticket(2, 9000), 1.5).word == "too-early"
    counts = desk.counts(EVENT)
    assert counts is not None and counts.shown == ((7, 1),)
    desk.seated(EVENT, 1, ticket(1, 1000), now=1.6)
    counts = desk.counts(EVENT)
    assert counts is not None and counts.shown == ((7, 1),)


def test_called_ticket_that_goes_to_another_gateway_is_counted_there() -> None:
    desk = LineDesk()
    refuse(desk, ticket(1, 1000), 0.0)
    serve(desk, 1500, 1.0, number=7)
    refuse(desk, ticket(1, 1000), 1.5)
    desk.forget_gone(1.6 + PRESENT_FOR)
    counts = desk.counts(EVENT)
    assert counts is not None and (counts.present, counts.shown) == (0, ())


def test_first_of_a_line_are_called_before_the_leader_knows_of_it() -> None:
    desk = LineDesk()
    desk.tick(0.0, Room(free=8, offered=100, credit_rate=10.0))
    crowd = [ticket(number, 1000 + number) for number in range(20)]
    waits = [refuse(desk, one, 0.0, is_new=True) for one in crowd]
    assert waits[:8] == [1] * 8
    assert [knock(desk, one, 1.1).word for one in crowd] == ["enter"] * 8 + ["too-early"] * 12


def test_called_ticket_without_a_seat_keeps_its_place_and_stands_at_the_door() -> None:
    desk = LineDesk()
    refuse(desk, ticket(1), 0.0)
    serve(desk, 1500, 1.0)
    assert knock(desk, ticket(1), 1.5).word == "enter"
    assert refuse(desk, ticket(1), 1.5) == 1
    counts = desk.counts(EVENT)
    assert counts is not None and counts.present == 1
    desk.seated(EVENT, 1, ticket(1), now=2.0)
    counts = desk.counts(EVENT)
    assert counts is not None and counts.present == 0


def test_whoever_stands_at_the_door_and_goes_away_is_forgotten() -> None:
    desk = LineDesk()
    serve(desk, 1500, 0.0)
    refuse(desk, ticket(1), 0.0)
    desk.tick(PRESENT_FOR + 0.1, HOUSE_FULL)
    counts = desk.counts(EVENT)
    assert counts is not None and counts.present == 0


def test_returning_listener_goes_past_the_line() -> None:
    desk = LineDesk()
    refuse(desk, ticket(1), 0.0)
    assert knock(desk, ticket(2, 9000), 0.0, resume=True) == Verdict("enter", is_returning=True)
    assert (
        desk.turned_back(EVENT, 1, ticket(2, 9000), verdict=Verdict("enter", is_returning=True), now=0.0) == 1
    )


def test_thresholds_only_rise_and_older_lines_say_nothing() -> None:
    desk = LineDesk()
    refuse(desk, ticket(1), 0.0)
    desk.on_serving(EVENT, Serving(0, 5000), 1, now=0.0)
    desk.on_serving(EVENT, Serving(0, 3000), 1, now=0.0)
    desk.on_serving(EVENT, Serving(0, 9000), 0, now=0.0)
    line = desk.line(EVENT)
    assert line is not None and line.serving == Serving(0, 5000)


def test_line_that_begins_anew_knows_no_older_places() -> None:
    desk = LineDesk()
    refuse(desk, ticket(1), 0.0)
    desk.on_serving(EVENT, Serving(0, 0), 2, now=0.0)
    line = desk.line(EVENT)
    assert line is not None and (line.epoch, line.counts().arrivals.total) == (2, 0)


def test_line_opens_again_when_nobody_has_waited_for_five_seconds() -> None:
    desk = LineDesk()
    refuse(desk, ticket(1), 0.0)
    desk.tick(0.5, ROOMY)
    done = ServingNotice(EVENT, 1, Serving(0, 2000), None, 0, 0)
    opened = []
    for second in range(1, 8):
        desk.on_notice(done, now=float(second), wall_ms=0)
        desk.tick(float(second), ROOMY)
        line = desk.line(EVENT)
        opened.append(line is not None and line.is_open)
    assert opened == [False] * 4 + [True] * 3
    assert knock(desk, ticket(9, 9000), 8.0, is_new=True).word == "enter"


def test_nearly_full_house_seats_in_order() -> None:
    desk = LineDesk()
    refuse(desk, ticket(1), 0.0)
    for second in range(1, 10):
        desk.tick(float(second), Room(free=4, offered=100, credit_rate=10.0))
        assert knock(desk, ticket(second + 1), float(second), is_new=True).word == "wait"


def test_ticket_taken_while_nobody_waits_is_no_place_in_line() -> None:
    desk = LineDesk()
    desk.queue(EVENT, 1, ticket(1), now=0.0)
    counts = desk.counts(EVENT)
    assert counts is not None and counts.arrivals.total == 0
    refuse(desk, ticket(2), 0.0)
    desk.queue(EVENT, 1, ticket(3), now=0.0)
    counts = desk.counts(EVENT)
    assert counts is not None and counts.arrivals.total == 2


def test_retry_after_follows_how_many_are_ahead() -> None:
    desk = LineDesk()
    desk.tick(0.0, Room(free=100, offered=100, credit_rate=2.0))
    waits = [refuse(desk, ticket(number, 1000 + number), 0.0, is_new=True) for number in range(400)]
    assert waits[:10] == [1] * 10 and waits[-1] == 20
    desk.tick(1.0, HOUSE_FULL)
    assert knock(desk, ticket(401, 5000), 1.0, is_new=True).retry_after == 30


def test_event_nobody_asks_for_is_forgotten() -> None:
    desk = LineDesk()
    knock(desk, ticket(1), 0.0, is_new=True)
    desk.tick(FORGOTTEN_AFTER - 1, ROOMY)
    assert desk.line(EVENT) is not None
    desk.tick(FORGOTTEN_AFTER + 1, ROOMY)
    assert desk.line(EVENT) is None
