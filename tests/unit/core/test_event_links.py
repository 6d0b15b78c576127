"""Links that people send each other, and the addresses they stand for."""

from __future__ import annotations

import pytest

from stentor.core.event_links import (
    listener_link,
    listening,
    publishing,
    studio_link,
    whep_url,
    whip_url,
)

BASES = ["http://127.0.0.1:8080", "https://talk.example", "https://talk.example/live", "http://[::1]:8080"]


@pytest.mark.parametrize("base", BASES)
def test_studio_link_is_the_address_of_its_event_and_has_the_key(base: str) -> None:
    assert publishing(studio_link(base, "abcd2345", "k-_=")) == (whip_url(base, "abcd2345"), "k-_=")


@pytest.mark.parametrize("base", BASES)
def test_listener_link_is_the_address_of_its_event(base: str) -> None:
    assert listening(listener_link(base, "abcd2345")) == whep_url(base, "abcd2345")


def test_studio_link_without_a_key_has_none() -> None:
    assert publishing("http://h/studio/x") == ("http://h/whip/x", None)
    assert publishing("http://h/studio/x#key=") == ("http://h/whip/x", None)


def test_what_a_browser_adds_to_a_link_does_not_matter() -> None:
    assert publishing("http://h/studio/x/?lang=ar#key=k") == ("http://h/whip/x", "k")
    assert listening("http://h/e/x/?lang=ar") == "http://h/whep/x"


@pytest.mark.parametrize(
    "link",
    [
        "http://h/whip/x",
        "http://h/whep/x?jwt=1",
        "http://h/studio",
        "http://h/studio/",
        "http://h/e",
        "http://h/mystudio/x",
        "http://h/the/x",
        "http://h",
        "not a link",
        "http://[h/e/x",
        "studio/x",
        "/e/x",
        "",
    ],
)
def test_any_other_link_is_taken_as_it_is(link: str) -> None:
    assert publishing(link) == (link, None)
    assert listening(link) == link
