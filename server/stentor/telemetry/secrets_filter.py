"""Takes out of log text what must never be in it, whoever wrote the message."""

from __future__ import annotations

import re

_HIDDEN = "[hidden]"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # SDP carries ICE passwords and addresses of people: the body from `v=0` to its last line of that form
    (re.compile(r"v=0(?:\r?\n|\\r\\n|\\n)(?:[a-z]=[^\r\n]*(?:\r?\n|\Z))*[^\r\n\"']*"), "[SDP hidden]"),
    (re.compile(r"(?i)(a=ice-(?:pwd|ufrag):)\S+"), rf"\1{_HIDDEN}"),
    (re.compile(r"(?i)(bearer\s+)[^\s\"',}]+"), rf"\1{_HIDDEN}"),
    (
        re.compile(
            r"(?i)((?:authorization|ticket|secret|password|credential|token|key)"
            r"[\"']?\s*[=:]\s*)(b?[\"'][^\"']*[\"']|(?!bearer\b)[^\s\"',}&]+)"
        ),
        rf"\1{_HIDDEN}",
    ),
    # session URLs are capabilities: whoever has one can end the session
    (re.compile(r"(/(?:whip|whep)/[a-z0-9]{4,32}/)[A-Za-z0-9_-]+"), rf"\1{_HIDDEN}"),
    (re.compile(r"((?:https?://|/)[^\s?\"'#]*)[?#][^\s\"']+"), r"\1"),
)


def hide_secrets(text: str) -> str:
    """`text` without keys, tickets, bearer tokens, SDP, session URLs, query strings and fragments."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
