from __future__ import annotations

from collections import Counter

from stentor.core.topology.placement import Candidate, TwoChoices


def tickets(count: int) -> list[bytes]:
    return [number.to_bytes(8, "big") for number in range(count)]


def test_nobody_is_placed_without_a_candidate() -> None:
    assert TwoChoices().choose([], bytes(8)) is None


def test_only_candidate_takes_everybody() -> None:
    assert TwoChoices().choose([Candidate(7, 1, 99)], bytes(8)) == 7


def test_one_ticket_reaches_at_most_two_shards() -> None:
    for ticket in tickets(50):
        reached = set()
        for emptier in range(8):
            candidates = [Candidate(shard, 90 if shard == emptier else 10, 10) for shard in range(8)]
            reached.add(TwoChoices().choose(candidates, ticket))
        assert len(reached) == 2


def test_whoever_returns_to_two_full_shards_goes_on_to_two_more_and_no_further() -> None:
    for ticket in tickets(50):
        reached, full = [], set[int]()
        for _ in range(8):
            candidates = [Candidate(shard, 0 if shard in full else 5, 10) for shard in range(8)]
            chosen = TwoChoices().choose(candidates, ticket, returning=True)
            if chosen is None or chosen in full:
                break
            reached.append(chosen)
            full.add(chosen)
        assert len(reached) == 4
        newcomer = [Candidate(shard, 0 if shard in reached[:2] else 5, 10) for shard in range(8)]
        assert TwoChoices().choose(newcomer, ticket) in reached[:2]


def test_shard_with_the_larger_free_share_is_taken_not_the_one_with_more_seats() -> None:
    small, large = Candidate(1, 9, 1), Candidate(2, 50, 50)
    assert {TwoChoices().choose([small, large], ticket) for ticket in tickets(20)} == {1}


def test_shards_fill_evenly() -> None:
    taken = Counter(dict.fromkeys(range(10), 0))
    for ticket in tickets(5000):
        candidates = [Candidate(shard, 1000 - taken[shard], taken[shard]) for shard in taken]
        chosen = TwoChoices().choose(candidates, ticket)
        assert chosen is not None
        taken[chosen] += 1
    assert max(taken.values()) - min(taken.values()) <= 15  # of 500 each


def test_new_shard_moves_few_tickets() -> None:
    before = [Candidate(shard, 10, 10) for shard in range(9)]
    after = [*before, Candidate(9, 10, 10)]
    moved = sum(TwoChoices().choose(before, t) != TwoChoices().choose(after, t) for t in tickets(1000))
    assert moved < 300  # two of ten names change at most
