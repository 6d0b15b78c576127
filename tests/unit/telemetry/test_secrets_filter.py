from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.telemetry.secrets_filter import hide_secrets
from support.wire_samples import sdp_sample, sdp_samples


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer s3cret-value",
        "authorization='Bearer s3cret-value'",
        "{'Authorization': 'Bearer s3cret-value', 'Host': 'x'}",
        "got bearer s3cret-value from 192.0.2.1",
        "Stentor-Ticket: s3cret-value",
        '{"host_key": "s3cret-value"}',
        "host_key=s3cret-value",
        "Secrets(ticket_secret=b's3cret-value', n=1)",
        "http://host/studio/abcd#key=s3cret-value",
        "GET /e/abcd?invite=s3cret-value HTTP/1.1",
        "https://host:8080/whep/abcdef234567/s3cret-value",
        "DELETE /whip/abcdef234567/s3cret-value",
        "a=ice-pwd:s3cret-value",
        "redis password=s3cret-value",
    ],
)
def test_secret_is_hidden(text: str) -> None:
    assert "s3cret-value" not in hide_secrets(text)


@pytest.mark.parametrize("name", sdp_samples())
@pytest.mark.parametrize("escaped", [False, True])
def test_sdp_is_hidden_as_it_is_and_as_python_shows_it(name: str, escaped: bool) -> None:
    sdp = sdp_sample(name)
    text = hide_secrets(f"offer {sdp!r} refused" if escaped else f"offer:\n{sdp}")
    for line in sdp.splitlines():
        if line.startswith(("a=ice-", "a=candidate", "a=fingerprint", "c=")):
            assert line.partition(":")[2] not in text or not line.partition(":")[2]


@pytest.mark.parametrize(
    "text",
    [
        "event abcdef234567 is live",
        "--udp 0.0.0.0:8081: is in use by another program",
        "the store is away, going on with 3 known events: Error 111 connecting to /run/x.sock",
        "GET /api/events/{event} failed",
        "started in 0.3 s",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert hide_secrets(text) == text


@settings(max_examples=200)
@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    hide_secrets(text)
