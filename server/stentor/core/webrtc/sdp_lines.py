"""What offers, answers and fragments share: the line grammar of SDP (RFC 8866) and a few attributes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from stentor.core.errors import LocalError, RemoteError
from stentor.core.outputs import Address

Role = Literal["whip", "whep"]

MAX_TEXT = 64 * 1024  # characters; a browser's audio offer has 1,500 to 4,000
MAX_LINES = 1000  # a browser's has about 60, with many interfaces 150
MAX_LINE = 8192  # characters; Firefox may add an identity assertion of a few thousand

_LINE = re.compile(r"[a-z]=")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839 section 5.4
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_TOKEN = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]{1,64}")  # RFC 8866 section 9

HOST_PREFERENCE = 126  # RFC 8445 section 5.1.2.2: the recommended type preference of host candidates


class SdpError(RemoteError):
    """Text that is not SDP (status 400), or SDP that asks for what we do not do (422)."""


def unsupported(detail: str) -> SdpError:
    """Well-formed, but not something we answer: 422 (RFC 9725 section 4.2)."""
    return SdpError(detail, status=422)


@dataclass(frozen=True, slots=True)
class Line:
    """One `x=value` line."""

    number: int
    """Counted from 1, for error messages."""
    kind: str
    """The letter before the equals sign."""
    value: str
    """What follows it."""


@dataclass(frozen=True, slots=True)
class Section:
    """The session part, or one m-line with what belongs to it."""

    lines: list[Line] = field(default_factory=list)
    """All lines but attributes; of a media section the m-line comes first."""
    attributes: dict[str, list[Line]] = field(default_factory=dict)
    """Attributes by name, each Line's value without the name and the colon."""

    def values(self, name: str) -> list[str]:
        """The values of every `a=name:value`, in order; of `a=name` an empty text."""
        return [line.value for line in self.attributes.get(name, ())]

    def one(self, name: str) -> str | None:
        """The value of an attribute that may appear once. SdpError when two of them differ."""
        lines = self.attributes.get(name, [])
        for line in lines:
            if line.value != lines[0].value:
                raise SdpError(f"line {line.number}: a second, different a={name}")
        return lines[0].value if lines else None


def read_lines(text: str) -> list[Line]:
    """Split SDP text, LF or CRLF. SdpError (400) for sizes beyond bounds and lines that are not `x=...`."""
    if len(text) > MAX_TEXT:
        raise SdpError(f"SDP of {len(text)} characters, {MAX_TEXT} are allowed")
    rows = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(rows) > MAX_LINES:
        raise SdpError(f"SDP of {len(rows)} lines, {MAX_LINES} are allowed")
    lines = []
    for number, row in enumerate(rows, start=1):
        if len(row) > MAX_LINE:
            raise SdpError(f"line {number}: longer than {MAX_LINE} characters")
        if _LINE.match(row) is None:
            raise SdpError(f"line {number}: not of the form x=value")
        if _CONTROL.search(row) is not None:
            raise SdpError(f"line {number}: a control character")
        lines.append(Line(number, row[0], row[2:].rstrip(" \t")))
    return lines


def split_sections(lines: Iterable[Line]) -> list[Section]:
    """The session section, then one per m-line."""
    sections = [Section()]
    for line in lines:
        if line.kind == "m":
            sections.append(Section())
        if line.kind == "a":
            name, _, value = line.value.partition(":")
            sections[-1].attributes.setdefault(name, []).append(Line(line.number, "a", value.strip(" \t")))
        else:
            sections[-1].lines.append(line)
    return sections


def check_credentials(ufrag: str, password: str) -> None:
    """SdpError (400) unless both are ice-chars of the right length. The values never enter the text."""
    if _UFRAG.fullmatch(ufrag) is None:
        raise SdpError("a=ice-ufrag is not 4 to 256 ice-chars")
    if _PASSWORD.fullmatch(password) is None:
        raise SdpError("a=ice-pwd is not 22 to 256 ice-chars")


def is_token(text: str) -> bool:
    """Whether the text is an SDP token of at most 64 characters."""
    return _TOKEN.fullmatch(text) is not None


def candidate_lines(candidates: Sequence[Address]) -> list[str]:
    """One host candidate per address, the first preferred, and the mark that no more will come.

    LocalError when there are none or one is not numeric: a client could never reach us.
    """
    if not candidates:
        raise LocalError("no address to offer as a candidate")
    lines = []
    for index, (host, port) in enumerate(candidates):
        priority = (
            HOST_PREFERENCE << 24 | (65535 - index) << 8 | 255
        )  # component 1 (RFC 8445 section 5.1.2.1)
        # The foundation differs as the base address does (section 5.1.1.3). FFmpeg looks for a literal "udp".
        lines.append(f"a=candidate:{index + 1} 1 udp {priority} {numeric_host(host)} {_port(port)} typ host")
    lines.append("a=end-of-candidates")
    return lines


@lru_cache(maxsize=64)  # they are our own, and the same in every answer
def numeric_host(host: str) -> str:
    """The canonical spelling of a numeric address, no brackets and no zone (it means nothing elsewhere)."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).compressed
    except ValueError:
        raise LocalError(f"candidate address {host!r} is not numeric") from None


def _port(port: int) -> int:
    if not 0 < port < 65536:
        raise LocalError(f"candidate port {port} is not between 1 and 65535")
    return port
