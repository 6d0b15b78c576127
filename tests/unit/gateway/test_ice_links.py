from __future__ import annotations

from stentor.core.config import IceServer
from stentor.gateway.ice_links import ice_server_links


def test_stun_server_has_only_its_address() -> None:
    assert ice_server_links([IceServer("stun:s.example:3478")]) == ['<stun:s.example:3478>; rel="ice-server"']


def test_turn_server_has_its_credentials_quoted() -> None:
    server = IceServer("turns:t.example", 'a"b', "c\\d")
    assert ice_server_links([server]) == [
        '<turns:t.example>; rel="ice-server"; username="a\\"b"; credential="c\\\\d"; '
        'credential-type="password"'
    ]
