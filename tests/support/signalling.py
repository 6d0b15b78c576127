"""WHIP and WHEP requests to a running gateway, and what their answers hold."""

from __future__ import annotations

from typing import Any

from stentor.core.webrtc.capsule import Capsule, ice_password, open_capsule
from support.gateway_server import Gateway, assert_problem
from support.wire_samples import sdp_sample

WHEP_OFFER = sdp_sample("chromium_whep")
WHIP_OFFER = sdp_sample("chromium_whip")
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
CANDIDATE = "a=candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host\r\n"
TRICKLE = f"a=ice-ufrag:abcd\r\na=ice-pwd:{'p' * 24}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n{CANDIDATE}"


def sdp_value(answer: str, name: str) -> str:
    """Of the first attribute of this name."""
    values = [line.partition(":")[2] for line in answer.splitlines() if line.startswith(f"a={name}:")]
    return values[0]


def capsule_in(answer: str, *, secret: bytes, key_id: int) -> Capsule:
    """The verified capsule, and the password that goes with it checked."""
    ufrag = sdp_value(answer, "ice-ufrag")
    assert sdp_value(answer, "ice-pwd") == ice_password(ufrag, secret)
    return open_capsule(ufrag, secret, key_id=key_id)


async def join(gateway: Gateway, event: dict[str, str], **headers: str) -> tuple[str, Any]:
    """Body and headers of a 201."""
    async with gateway.http.post(
        f"/whep/{event['id']}", data=WHEP_OFFER, headers={**SDP, **headers}
    ) as response:
        assert response.status == 201, await response.text()
        return await response.text(), response.headers


async def publish(gateway: Gateway, event: dict[str, str], offer: str = WHIP_OFFER) -> tuple[str, Any]:
    """Body and headers of a 201."""
    headers = {**SDP, "Authorization": f"Bearer {event['host_key']}"}
    async with gateway.http.post(f"/whip/{event['id']}", data=offer, headers=headers) as response:
        assert response.status == 201, await response.text()
        return await response.text(), response.headers


async def refused(
    gateway: Gateway, method: str, url: str, *, status: int, slug: str, **arguments: Any
) -> tuple[dict[str, Any], Any]:
    """Problem and headers."""
    async with gateway.http.request(method, url, **arguments) as response:
        body = await response.read()
        return assert_problem(
            response.status, response.headers, body, wanted=status, slug=slug
        ), response.headers
