"""The controlling ICE agent of a listener that faces an ICE-lite server (RFC 8445): pure, time comes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stentor_loadtest.errors import WireError
from stentor_loadtest.wire import stun
from stentor_loadtest.wire.stun import Address

CHECK_INTERVAL = 0.05  # seconds: as Chromium while it has no connection
CONSENT_INTERVAL = 2.5  # seconds: as Chromium on a working pair
CONSENT_LIFETIME = 30.0  # seconds (RFC 7675 section 5.1)


class IceAgent:
    """Checks the server's candidates one after another, nominates the first that answers, keeps its consent.

    The owner drains `take_datagrams()` after every call and calls `poll` at `due()`.
    """

    def __init__(
        self,
        *,
        local: tuple[str, str],
        remote: tuple[str, str],
        candidates: Sequence[Address],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._username = f"{remote[0]}:{local[0]}"
        self._remote_password = remote[1].encode()
        self._local_password = local[1].encode()
        self._candidates = tuple(candidates)
        self._random_bytes = random_bytes
        self._tie_breaker = int.from_bytes(random_bytes(8), "big")
        self._outstanding: dict[bytes, Address] = {}
        self._pending: list[tuple[bytes, Address]] = []
        self._checks = 0
        self._due = 0.0
        self._consent_until = float("inf")
        self.nominated: Address | None = None
        self.refused: int | None = None

    def due(self) -> float:
        """When `poll` has something to do."""
        return self._due

    def poll(self, *, now: float) -> None:
        """Send the check whose time has come."""
        if now < self._due:
            return
        if self.nominated is not None:
            self._outstanding.clear()
            self._check(self.nominated)
            self._due = now + CONSENT_INTERVAL
        else:
            self._check(self._candidates[self._checks % len(self._candidates)])
            self._due = now + CHECK_INTERVAL
        self._checks += 1

    def receive(self, data: bytes, source: Address, *, now: float) -> None:
        """Take a STUN datagram. WireError when it is not one; anything unexpected changes nothing."""
        message = stun.parse(data)
        if message.kind == stun.BINDING_REQUEST and stun.verify(message, self._local_password):
            self._pending.append((stun.binding_success(message, source, self._local_password), source))
        elif message.kind == stun.BINDING_SUCCESS:
            self._succeeded(message, source, now)
        elif message.kind == stun.BINDING_ERROR and message.transaction_id in self._outstanding:
            code = message.attributes.get(stun.ERROR_CODE, b"\0\0\0\0")
            self.refused = (code[2] & 7) * 100 + code[3]

    def has_consent(self, *, now: float) -> bool:
        """Whether the server still answers (RFC 7675)."""
        return now < self._consent_until

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        """What has to go out now, and where to."""
        datagrams, self._pending = self._pending, []
        return datagrams

    def _check(self, candidate: Address) -> None:
        transaction_id = self._random_bytes(12)
        self._outstanding[transaction_id] = candidate
        request = stun.binding_request(
            transaction_id, self._username, self._remote_password, tie_breaker=self._tie_breaker
        )
        self._pending.append((request, candidate))

    def _succeeded(self, message: stun.Message, source: Address, now: float) -> None:
        if self._outstanding.get(message.transaction_id) != source:
            raise WireError("STUN answer to nothing we asked")
        if not stun.verify(message, self._remote_password):
            raise WireError("STUN answer with a wrong MESSAGE-INTEGRITY")
        self._consent_until = now + CONSENT_LIFETIME
        if self.nominated is None:
            self.nominated = source
            self._due = now + CONSENT_INTERVAL
