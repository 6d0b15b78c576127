from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.gateway.etags import Generations, etag_for, stated_generations

SECRET = b"s" * 32
SESSION = b"12345678"


def test_etag_is_strong_and_states_its_generation() -> None:
    for generation in (0, 1, 255):
        etag = etag_for(SESSION, generation, SECRET)
        assert etag.startswith('"') and etag.endswith('"')
        assert stated_generations(etag, SESSION, SECRET) == {generation}


def test_several_etags_may_be_stated() -> None:
    header = ", ".join(etag_for(SESSION, generation, SECRET) for generation in (3, 4))
    assert stated_generations(header, SESSION, SECRET) == {3, 4}


def test_etag_of_another_session_weak_or_made_up_states_nothing() -> None:
    for header in (
        etag_for(b"other...", 0, SECRET),
        "W/" + etag_for(SESSION, 0, SECRET),
        '"0-' + "0" * 16 + '"',
        "",
    ):
        assert stated_generations(header, SESSION, SECRET) == set()


@settings(max_examples=200)
@given(st.text())
def test_any_header_states_something_or_nothing(text: str) -> None:
    assert stated_generations(text, SESSION, SECRET) == set()


def test_session_unknown_here_is_believed_by_its_etag() -> None:
    generations = Generations()
    assert generations.is_current(SESSION, {7})
    assert not generations.is_current(SESSION, set())


def test_restart_makes_earlier_generations_stale() -> None:
    generations = Generations()
    assert generations.after_restart(SESSION) == 1
    generations.restarted(SESSION, 1)
    assert generations.is_current(SESSION, {1}) and not generations.is_current(SESSION, {0})
    assert generations.after_restart(SESSION) == 2


def test_last_generation_cannot_be_restarted() -> None:
    generations = Generations()
    generations.restarted(SESSION, 254)
    assert generations.after_restart(SESSION) == 255
    generations.restarted(SESSION, 255)
    assert generations.after_restart(SESSION) is None


def test_table_is_bounded() -> None:
    generations = Generations(capacity=2)
    for name in (b"a", b"b", b"c"):
        generations.restarted(name, 9)
    assert generations.after_restart(b"a") == 1
    assert generations.after_restart(b"c") == 10
