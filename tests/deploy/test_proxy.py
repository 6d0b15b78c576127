"""deploy/proxy with a real nginx: the files are accepted, and what has to come from the cache does."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.nginx import PROXY, check, prepare, running_nginx
from support.ports import free_tcp_port
from support.server_process import ServerProcess
from support.sources import ROOT
from support.waiting import wait_for

CONFIGURATIONS = ("nginx.conf", "nginx-plain.conf")
PAGES = str(ROOT / "client_web" / "dist")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def cache(self) -> str | None:
        """HIT, MISS, STALE, ...; None where nothing is cached."""
        return self.headers.get("x-cache")


def ask(url: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    """One request, its redirects not followed."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_arguments: object) -> None:
            return None

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=context))
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, method=method, headers=names)
    try:
        with opener.open(request, timeout=20) as response:
            status, fields, content = response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        status, fields, content = error.code, error.headers, error.read()
    return Answer(status, {name.lower(): value for name, value in fields.items()}, content)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_nginx_accepts(name: str, tmp_path: Path) -> None:
    ports = {port: free_tcp_port() for port in (80, 443, 8080)}
    folder = prepare(tmp_path / "nginx", ports=ports, gateway="127.0.0.1:8080")
    result = check(folder, name)
    assert result.returncode == 0, result.stderr
    assert "[warn]" not in result.stderr
    assert "[emerg]" not in result.stderr


def test_no_location_loses_the_headers_that_say_who_asks() -> None:
    # nginx: a level with one proxy_set_header, or one add_header, inherits none of those above it.
    for name in ("stentor-site.conf", "stentor-page.conf"):
        lines = [line.strip() for line in (PROXY / name).read_text("utf-8").splitlines()]
        assert [line for line in lines if line.startswith(("proxy_set_header", "add_header"))] == []


def test_request_lines_are_never_written_down() -> None:
    text = "".join((PROXY / name).read_text("utf-8") for name in ("stentor-http.conf", *CONFIGURATIONS))
    assert text.count("access_log off;") == 1
    for line in text.splitlines():
        if line.startswith("error_log "):
            assert line.split(";")[0].endswith(" crit")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A real server that trusts its proxy."""
    options = ("--proxy", "trusted", "--web-dir", PAGES)
    server = ServerProcess(tmp_path_factory.mktemp("gateway"), options=options)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def plain(gateway: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """nginx-plain.conf in front of it; the start of its URLs."""
    port = free_tcp_port()
    upstream = f"127.0.0.1:{gateway.http_port}"
    folder = prepare(tmp_path_factory.mktemp("plain") / "nginx", ports={8080: port}, gateway=upstream)
    with running_nginx(folder, "nginx-plain.conf"):
        yield f"http://127.0.0.1:{port}"


def test_one_entry_answers_the_listener_page_of_every_event(plain: str) -> None:
    first = ask(f"{plain}/e/first")
    assert first.status == 200
    others = [ask(f"{plain}/e/{name}?from=mail{name}") for name in ("second", "third")]
    assert [other.cache for other in others] == ["HIT", "HIT"]
    assert {other.body for other in others} == {first.body}
    assert others[0].headers["content-security-policy"] == first.headers["content-security-policy"]


def test_studio_page_is_not_the_listener_page(plain: str) -> None:
    studio = ask(f"{plain}/studio/first")
    assert "microphone=(self)" in studio.headers["permissions-policy"]
    assert "microphone=()" in ask(f"{plain}/e/first").headers["permissions-policy"]


def test_assets_come_from_the_cache_whatever_is_asked_behind_the_question_mark(plain: str) -> None:
    name = next((ROOT / "client_web" / "dist" / "assets").glob("*.js")).name
    assert ask(f"{plain}/assets/{name}").status == 200
    again = ask(f"{plain}/assets/{name}?bust=1", Accept_Encoding="gzip")
    assert again.cache == "HIT"
    assert "immutable" in again.headers["cache-control"]


def test_status_reaches_the_gateway_once_for_all_who_ask_within_a_second(
    plain: str, gateway: ServerProcess
) -> None:
    event = gateway.create_event()
    answers = [ask(f"{plain}/api/events/{event.id}/status?{n}") for n in range(20)]
    assert {answer.status for answer in answers} == {200}
    assert [answer.cache for answer in answers].count("MISS") == 1
    assert json.loads(answers[-1].body)["title"] == "A test"


def test_status_of_an_event_that_does_not_exist_is_cached_too(plain: str) -> None:
    answers = [ask(f"{plain}/api/events/nobodyknows/status") for _ in range(3)]
    assert {answer.status for answer in answers} == {404}
    assert [answer.cache for answer in answers].count("MISS") == 1


def test_what_changes_something_is_never_cached(plain: str) -> None:
    body = json.dumps({"title": "Through the proxy"}).encode()
    answers = [
        ask(f"{plain}/api/events", method="POST", body=body, Content_Type="application/json")
        for _ in range(2)
    ]
    assert {answer.status for answer in answers} == {201}
    assert {answer.cache for answer in answers} == {None}
    assert len({json.loads(answer.body)["id"] for answer in answers}) == 2
    offer = ask(f"{plain}/whep/nobody", method="POST", body=b"v=0\r\n", Content_Type="application/sdp")
    assert offer.cache is None
    assert offer.status >= 400


def test_a_body_larger_than_any_offer_ends_at_the_proxy(plain: str) -> None:
    offer = b"v=0\r\n" + b"a" * 70_000
    answer = ask(f"{plain}/whep/nobody", method="POST", body=offer, Content_Type="application/sdp")
    assert answer.status == 413
    assert b"nginx" in answer.body


@pytest.mark.parametrize("path", ["/metrics", "/admin/drain"])
def test_operators_paths_are_not_for_the_outside(path: str, plain: str, gateway: ServerProcess) -> None:
    answer = ask(
        plain + path, method="POST" if "admin" in path else "GET", body=b"" if "admin" in path else None
    )
    assert answer.status == 404
    assert b"nginx" in answer.body


def test_what_a_client_says_of_itself_is_thrown_away(plain: str, gateway: ServerProcess) -> None:
    event = gateway.create_event()
    answer = ask(f"{plain}/api/events/{event.id}", X_Forwarded_Proto="https", X_Forwarded_For="192.0.2.1")
    assert json.loads(answer.body)["listen_url"].startswith("http://127.0.0.1:")


def test_with_tls_links_are_https_and_plain_http_is_sent_there(
    gateway: ServerProcess, tmp_path: Path
) -> None:
    ports = {80: free_tcp_port(), 443: free_tcp_port()}
    folder = prepare(tmp_path / "nginx", ports=ports, gateway=f"127.0.0.1:{gateway.http_port}")
    event = gateway.create_event()
    with running_nginx(folder, "nginx.conf"):
        secure = ask(f"https://127.0.0.1:{ports[443]}/api/events/{event.id}")
        page = ask(f"https://127.0.0.1:{ports[443]}/e/{event.id}")
        moved = ask(f"http://127.0.0.1:{ports[80]}/whip/{event.id}", method="POST", body=b"v=0")
    assert json.loads(secure.body)["listen_url"].startswith("https://")
    assert "max-age" in page.headers["strict-transport-security"]
    assert (moved.status, moved.headers["location"]) == (308, f"https://127.0.0.1/whip/{event.id}")


def test_pages_and_the_last_status_are_there_while_every_gateway_is_away(tmp_path: Path) -> None:
    options = ("--proxy", "trusted", "--web-dir", PAGES)
    (tmp_path / "state").mkdir()
    server = ServerProcess(tmp_path / "state", options=options)
    port = free_tcp_port()
    folder = prepare(tmp_path / "nginx", ports={8080: port}, gateway=f"127.0.0.1:{server.http_port}")
    with running_nginx(folder, "nginx-plain.conf"):
        try:
            server.start()
            event = server.create_event()
            status = f"http://127.0.0.1:{port}/api/events/{event.id}/status"
            page = f"http://127.0.0.1:{port}/e/{event.id}"
            assert (ask(status).status, ask(page).status) == (200, 200)
        finally:
            server.kill()
        wait_for(lambda: ask(status).cache == "STALE", timeout=4, what="a status older than its second")
        assert ask(status).status == 200
        assert ask(page).status == 200
