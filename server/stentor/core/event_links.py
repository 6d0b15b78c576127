"""The links of an event: those of its pages, which people send to each other, and what the pages speak to."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

_KEY = "key"


def studio_link(base: str, event: str, host_key: str) -> str:
    """The host's page; the key stands behind `#`, so it is never sent to a server or written to a log."""
    return f"{base}/studio/{event}#{_KEY}={host_key}"


def listener_link(base: str, event: str) -> str:
    """The page for everybody."""
    return f"{base}/e/{event}"


def whip_url(base: str, event: str) -> str:
    """Where a publisher posts its offer (RFC 9725)."""
    return f"{base}/whip/{event}"


def whep_url(base: str, event: str) -> str:
    """Where a listener posts its offer (draft-ietf-wish-whep)."""
    return f"{base}/whep/{event}"


def publishing(link: str) -> tuple[str, str | None]:
    """WHIP address and host key of a studio link; any other link is an address already, and has no key."""
    address = _behind(link, "studio", "whip")
    if address is None:
        return link, None
    return address, parse_qs(urlsplit(link).fragment).get(_KEY, [None])[0]


def listening(link: str) -> str:
    """WHEP address of a listener link; any other link is an address already."""
    return _behind(link, "e", "whep") or link


def _behind(link: str, page: str, protocol: str) -> str | None:
    """The address that a page speaks to, None when the link is not one of that page."""
    try:
        parts = urlsplit(link)
    except ValueError:  # whoever opens it says what is wrong
        return None
    folder, slash, event = parts.path.rstrip("/").rpartition("/")
    if not parts.netloc or not event or not f"{slash}{folder}".endswith(f"/{page}"):
        return None
    path = folder.removesuffix(page) + protocol + slash + event
    return parts._replace(path=path, query="", fragment="").geturl()
