"""Pages as people use them who do not see, do not use a mouse, read Arabic, or hold a small phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from support.node import axe_source
from support.pages import AnyPage, ListenPage, StudioPage
from support.publisher import publishing
from support.server_process import Event, ServerProcess

LOCALES = ("en-GB", "ar-EG")
WIDTHS = (320, 1280)
MAX_TABS = 15  # more stops before the large button would be a journey

Open = Callable[..., AnyPage]


@pytest.fixture(scope="module")
def live(server: ServerProcess) -> Iterator[Event]:
    """An event with a host who speaks."""
    event = server.create_event("An evening with a rather long title, about the sea and the harbour lights")
    with publishing(server, event):
        yield event


@pytest.fixture
def opened() -> Iterator[list[AnyPage]]:
    """Pages to be closed after the test."""
    pages: list[AnyPage] = []
    yield pages
    for page in pages:
        page.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds, one line each."""
    page.evaluate(axe_source())
    found = page.evaluate("axe.run()")
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def check(page: AnyPage, locale: str) -> None:
    assert page.page.evaluate("document.documentElement.dir") == ("rtl" if locale.startswith("ar") else "ltr")
    assert overflow(page.page) <= 0
    assert violations(page.page) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("locale", LOCALES)
def test_listener_page_has_no_violation(
    browser: Browser, server: ServerProcess, live: Event, opened: list[AnyPage], locale: str, width: int
) -> None:
    page = ListenPage(browser, live.listen_url, locale=locale, width=width)
    opened.append(page)
    page.wait_for_state("ready", timeout=5)
    check(page, locale)
    page.listen()
    page.wait_for_state("live", timeout=5)
    check(page, locale)
    early = ListenPage(browser, server.create_event("Later").listen_url, locale=locale, width=width)
    opened.append(early)
    early.wait_for_state("early", timeout=5)
    check(early, locale)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("locale", LOCALES)
def test_studio_page_has_no_violation(
    browser: Browser, event: Event, opened: list[AnyPage], locale: str, width: int
) -> None:
    page = StudioPage(browser, event.host_url, locale=locale, width=width)
    opened.append(page)
    page.wait_for_state("setup", timeout=5)
    check(page, locale)
    page.go_live()
    check(page, locale)


@pytest.mark.parametrize("locale", LOCALES)
def test_first_page_has_no_violation(
    browser: Browser, server: ServerProcess, opened: list[AnyPage], locale: str
) -> None:
    page = AnyPage(browser, server.base + "/", locale=locale, width=320)
    opened.append(page)
    page.page.get_by_role("button").first.wait_for()
    check(page, locale)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is on `selector`."""
    for _ in range(MAX_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            shadow = page.evaluate("getComputedStyle(document.activeElement).boxShadow")
            assert outline != "none" or shadow != "none", f"focus on {selector} cannot be seen"
            return
    raise AssertionError(f"{selector} not reached with {MAX_TABS} tabs")


def test_event_is_heard_with_the_keyboard_alone(browser: Browser, live: Event, opened: list[AnyPage]) -> None:
    listener = ListenPage(browser, live.listen_url)
    opened.append(listener)
    listener.wait_for_state("ready", timeout=5)
    tab_to(listener.page, "button.disc")
    listener.page.keyboard.press("Enter")
    listener.wait_for_state("live", timeout=5)
    listener.wait_for_sound(timeout=5)
    assert listener.page.evaluate("document.activeElement.matches('button.disc')")  # focus stays where it was
    listener.page.keyboard.press("Enter")
    listener.wait_for_state("ready", timeout=5)


def test_host_goes_live_with_the_keyboard_alone(
    browser: Browser, event: Event, opened: list[AnyPage]
) -> None:
    host = StudioPage(browser, event.host_url)
    opened.append(host)
    host.wait_for_setup()
    if host.probe("microphone") != "ready":
        tab_to(host.page, "[data-action=microphone]")
        host.page.keyboard.press("Enter")
        host.wait(lambda: host.probe("microphone") == "ready", timeout=5, what="microphone ready")
        host.page.evaluate("document.activeElement.blur()")
    tab_to(host.page, "[data-action=go-live]")
    host.page.keyboard.press("Enter")
    host.wait_for_state("live", timeout=10)


def test_language_switch_turns_the_page_round_and_is_remembered(
    browser: Browser, live: Event, opened: list[AnyPage]
) -> None:
    listener = ListenPage(browser, live.listen_url)
    opened.append(listener)
    listener.wait_for_state("ready", timeout=5)
    listener.page.get_by_role("button", name="العربية").click()
    assert listener.page.evaluate("document.documentElement.dir") == "rtl"
    listener.page.reload()
    listener.wait_for_state("ready", timeout=5)
    assert listener.page.evaluate("document.documentElement.lang") == "ar"
