from __future__ import annotations

import itertools

import pytest

from chaos.link_model import LinkModel, LinkSettings

EACH = 0.02  # seconds between two datagrams
MANY = 20_000


def arrivals(settings: LinkSettings, *, seed: int = 1, count: int = MANY) -> list[list[float]]:
    model = LinkModel(settings, seed=seed)
    return [model.fate(number * EACH) for number in range(count)]


def runs_of_loss(fates: list[list[float]]) -> list[int]:
    return [len(list(group)) for lost, group in itertools.groupby(not fate for fate in fates) if lost]


def test_perfect_link_hands_on_at_once() -> None:
    assert arrivals(LinkSettings(), count=3) == [[0.0], [0.02], [0.04]]


def test_same_seed_same_fate() -> None:
    settings = LinkSettings(loss=0.1, jitter=0.03, burst_loss=0.02)
    assert arrivals(settings, seed=5) == arrivals(settings, seed=5)
    assert arrivals(settings, seed=5) != arrivals(settings, seed=6)


def test_random_loss_has_its_share_and_comes_one_by_one() -> None:
    fates = arrivals(LinkSettings(loss=0.05))
    assert sum(not fate for fate in fates) / MANY == pytest.approx(0.05, abs=0.007)
    runs = runs_of_loss(fates)
    assert sum(runs) / len(runs) < 1.15


def test_bursts_have_their_share_and_their_length() -> None:
    runs = runs_of_loss(arrivals(LinkSettings(burst_loss=0.05, burst_length=8)))
    assert sum(runs) / MANY == pytest.approx(0.05, abs=0.02)
    assert sum(runs) / len(runs) == pytest.approx(8, rel=0.3)


def test_delay_and_jitter_lie_in_their_range() -> None:
    fates = arrivals(LinkSettings(delay=0.1, jitter=0.03, keep_order=False))
    delays = [fate[0] - number * EACH for number, fate in enumerate(fates)]
    assert min(delays) >= 0.1
    assert 0.128 < max(delays) <= 0.13 + 1e-9
    assert sum(delays) / MANY == pytest.approx(0.115, abs=0.001)


@pytest.mark.parametrize("keep_order", [True, False])
def test_jitter_reorders_only_when_it_may(keep_order: bool) -> None:
    fates = arrivals(LinkSettings(jitter=0.1, keep_order=keep_order))
    times = [fate[0] for fate in fates]
    assert (times == sorted(times)) is keep_order


def test_the_share_held_back_is_overtaken() -> None:
    fates = arrivals(LinkSettings(reorder=0.1, held_back=0.05))
    late = sum(fate[0] - number * EACH > 0.04 for number, fate in enumerate(fates))
    assert late / MANY == pytest.approx(0.1, abs=0.01)


def test_duplicates_have_their_share() -> None:
    assert sum(len(fate) == 2 for fate in arrivals(LinkSettings(duplicate=0.1))) / MANY == pytest.approx(
        0.1, abs=0.01
    )
