"""ICE credentials of the sessions of one table: every ufrag is a capsule, and gives its own password."""

from __future__ import annotations

from dataclasses import dataclass

from stentor.core.webrtc.capsule import Capsule, CapsuleError, ice_password, open_capsule
from stentor.core.webrtc.peer import Peer
from stentor.core.webrtc.stun import StunMessage, check_integrity


@dataclass(frozen=True, slots=True)
class Login:
    """The credentials a request was made with; `peer` is None while no session has them."""

    ufrag: str
    password: bytes
    capsule: Capsule
    peer: Peer | None = None


class Logins:
    """Which session has which credentials. One has several after ICE restarts."""

    def __init__(self, secret: bytes, *, key_id: int) -> None:
        self._secret = secret
        self._key_id = key_id
        self._by_ufrag: dict[str, Login] = {}
        self._ufrags: dict[bytes, list[str]] = {}

    def __contains__(self, ufrag: str) -> bool:
        return ufrag in self._by_ufrag

    def verify(self, message: StunMessage) -> tuple[Login | None, str]:
        """The credentials of a request, its integrity checked; or None, and why it is dropped."""
        ufrag = (message.username or "").partition(":")[0]
        login = self._by_ufrag.get(ufrag)
        if login is None:
            try:
                capsule = open_capsule(ufrag, self._secret, key_id=self._key_id)
            except CapsuleError as error:
                return None, f"capsule {error.reason}"
            login = Login(ufrag, ice_password(ufrag, self._secret).encode(), capsule)
        return (login, "") if check_integrity(message, login.password) else (None, "integrity")

    def add(self, login: Login, peer: Peer) -> Login:
        """The session has these from now on."""
        known = Login(login.ufrag, login.password, login.capsule, peer)
        self._by_ufrag[login.ufrag] = known
        self._ufrags.setdefault(login.capsule.session, []).append(login.ufrag)
        return known

    def forget(self, session: bytes) -> None:
        """All of a session."""
        for ufrag in self._ufrags.pop(session, ()):
            del self._by_ufrag[ufrag]


def identity_of(capsule: Capsule) -> tuple[object, ...]:
    """What an ICE restart cannot change: seats, rows and the handshake were made for it."""
    return capsule.kind, capsule.event, capsule.ticket, capsule.fingerprint_digest
