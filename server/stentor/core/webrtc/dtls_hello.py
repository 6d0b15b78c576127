"""Which ClientHello a DTLS server believes, when strangers can write the client's address on theirs.

Nothing in a ClientHello proves who sent it, and an answer to a stranger's does harm: the client takes it for
its own, finds the signature over another random wrong and gives up. Nor can a second handshake save it then.
RFC 6347 section 4.2.1 has the cure: only who can read what is sent to that address knows the cookie. It costs
a round trip, so it is asked for only when strangers are about (as cookies of RFC 7296 section 2.6): once a
session was sent two different hellos, it and all that come within a minute have to show theirs.

At most one handshake is alive, and there are at most two in a session's life: a hello with the right cookie
is the client's and takes the place of the one before. What is left to a stranger is to guess the moment for a
later message: until the handshake is over none is authenticated, and one that is well-formed spoils it.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum

from stentor.core.webrtc import dtls_records
from stentor.core.webrtc.dtls_records import Fragment, Record

COOKIE = 16  # bytes; far fewer than the hello that asks for it
ALARM = 60.0  # seconds that cookies are asked of everybody after the last stranger was noticed
CLIENT_MESSAGES = (11, 15, 16)  # Certificate, CertificateVerify, ClientKeyExchange: in the clear, no others
CHANGE_CIPHER_SPEC = (dtls_records.CHANGE_CIPHER_SPEC, b"\x01")
MAX_SEQUENCE = 5  # of a client's handshake messages: two hellos, those three, and Finished
PRIMER = dtls_records.handshake_record(1, 0, b"\xfe\xfd" + bytes(32) + b"\0\0")
"""A ClientHello that ends at its empty cookie: OpenSSL asks for one and then expects the second hello."""


class Verdict(Enum):
    """What to do with a record."""

    FEED = "feed"
    """OpenSSL gets it."""
    DROP = "drop"
    RESEND = "resend"
    """The client asks again for the flight that answered this hello."""
    ASK = "ask"
    """Send `verify_request`, and nothing more of a handshake that began without a cookie."""
    BEGIN = "begin"
    """It shows the cookie: OpenSSL begins anew with it."""


class HelloGuard:
    """Whether the sessions of a table have to show cookies."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = float("-inf")

    def alarm(self, *, now: float) -> None:
        """A stranger was noticed."""
        self._until = now + ALARM

    def is_alarmed(self, *, now: float) -> bool:
        """Whether one was noticed of late."""
        return now < self._until


def cookie_of(secret: bytes, session: bytes) -> bytes:
    """16 bytes, the same for each hello of a session: the client may use whoever's request comes first."""
    return hmac.digest(secret, b"dtls cookie" + session, hashlib.sha256)[:COOKIE]


def verify_request(cookie: bytes) -> bytes:
    """HelloVerifyRequest as a datagram. Its version is always DTLS 1.0's (RFC 6347 section 4.2.1)."""
    return dtls_records.handshake_record(3, 0, b"\xfe\xff" + bytes([len(cookie)]) + cookie)


class HelloFilter:
    """Judges what comes to one session until its handshake is over."""

    __slots__ = ("_asks", "_guard", "_random", "cookie", "proven")

    def __init__(self, guard: HelloGuard, cookie: bytes) -> None:
        self._guard = guard
        self.cookie = cookie
        self._random: bytes | None = None
        self._asks = False
        self.proven = False
        """The handshake under way began with the right cookie."""

    @property
    def is_asking(self) -> bool:
        """A stranger may have begun the handshake under way: nothing that answers its hello may leave."""
        return self._asks and not self.proven

    def distrust(self) -> None:
        """The handshake under way has come to nothing: only a cookie begins another."""
        self._asks = True

    def judge(self, record: Record, *, answered: bool, now: float) -> Verdict:
        """`answered`: the handshake under way has answered its hello."""
        if record.epoch or (record.content_type, record.body) == CHANGE_CIPHER_SPEC:
            return Verdict.FEED if answered else Verdict.DROP
        if record.content_type != dtls_records.HANDSHAKE:
            return Verdict.DROP  # an alert in the clear is anybody's (RFC 6347 section 4.1.2.7)
        fragment = dtls_records.fragment_of(record)
        if fragment is None or fragment.sequence > MAX_SEQUENCE:
            return Verdict.DROP
        if fragment.message != dtls_records.CLIENT_HELLO:
            return Verdict.FEED if answered and fragment.message in CLIENT_MESSAGES else Verdict.DROP
        if fragment.offset == 0:
            return self._judge_hello(fragment, answered, now)
        expected = not answered and fragment.sequence == self.proven and not self.is_asking
        return Verdict.FEED if expected else Verdict.DROP

    def _judge_hello(self, fragment: Fragment, answered: bool, now: float) -> Verdict:
        hello = dtls_records.hello_of(fragment)
        if hello is None:
            return Verdict.DROP
        if fragment.sequence == 1 and hmac.compare_digest(hello.cookie, self.cookie):
            if not self.proven:
                self._note(hello.random, now)
                self.proven, self._random = True, hello.random
                return Verdict.BEGIN
            if hello.random != self._random:
                return Verdict.DROP
            return Verdict.RESEND if answered else Verdict.FEED
        if self.proven or fragment.sequence:
            return Verdict.DROP
        self._note(hello.random, now)
        if self._asks:
            return Verdict.ASK
        return Verdict.RESEND if answered else Verdict.FEED

    def _note(self, random: bytes, now: float) -> None:
        if self._random is None:
            self._random = random
            self._asks |= self._guard.is_alarmed(now=now)
        elif self._random != random:
            self._guard.alarm(now=now)
            self._asks = True
