"""Compares everything that a capture has kept: no index of a key may have been used for two datagrams."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chaos.capture_lives import Life, Lives, Way
from chaos.capture_records import Datagram
from chaos.capture_trunk import TrunkBook, is_control
from chaos.capture_uses import Uses
from stentor.core.webrtc.demux import Kind, classify

INDEX = 0x7FFFFFFF  # of an SRTCP word, without its E flag (RFC 3711 section 3.4)
OVERTAKES = 0.5  # seconds: far more than a busy node needs from the first packet to its last flight
MOST_HELD = 1000  # packets of one way


def check(records: Callable[[], Iterable[Datagram]], secret: bytes) -> Uses:
    """What was used. `records` gives them all, each time it is called; `secret`: of the cluster.

    They are gone through twice: the two halves of a trunk key are told on two links, whose records are in
    no certain order. Those of one sender are.
    """
    uses = Uses()
    trunk, sessions = TrunkBook(secret, uses), _Sessions(uses)
    for record in records():
        if is_control(record):
            trunk.learn(record)
    for record in records():
        if is_control(record):
            continue
        if record.between_nodes:
            trunk.take(record)
        else:
            sessions.take(record)
    sessions.end()
    return uses


class _Sessions:
    """What goes to listeners and hosts.

    Who sends the sound is told of new keys just before the last flight of their handshake leaves, so that a
    packet may overtake it. One that does not go on where its stream was waits until that is certain.
    """

    def __init__(self, uses: Uses) -> None:
        self._uses = uses
        self._lives = Lives()
        self._held: dict[Way, list[tuple[Datagram, Life | None]]] = {}

    def take(self, record: Datagram) -> None:
        """The next datagram."""
        if classify(record.kept) is Kind.DTLS:
            began = self._lives.on_dtls(record)
            if began is not None:
                self._release((record.source, record.to), began, record.at - OVERTAKES)
            return
        life = self._lives.of(record)
        if self._lives.is_coming(record) and not self._continues(record, life):
            held = self._held.setdefault((record.source, record.to), [])
            if len(held) < MOST_HELD:
                held.append((record, life))
                return
        self._use(record, life)

    def end(self) -> None:
        """Handshakes that are not over will not be."""
        for way in list(self._held):
            self._release(way, None, float("inf"))

    def _release(self, way: Way, began: Life | None, since: float) -> None:
        for record, before in self._held.pop(way, ()):
            self._use(record, began if record.at >= since else before)

    def _continues(self, record: Datagram, life: Life | None) -> bool:
        if life is None or classify(record.kept) is Kind.RTCP:
            return life is not None
        sequence, ssrc = _ids(record)
        return self._uses.continues(life, ssrc, sequence)

    def _use(self, record: Datagram, life: Life | None) -> None:
        if life is None:
            self._uses.without_key(record)
        elif classify(record.kept) is Kind.RTP:
            sequence, ssrc = _ids(record)
            self._uses.use_sequence(life, ssrc, sequence, record)
        else:
            end = len(record.kept) - (0 if life.is_gcm else 10)
            index = int.from_bytes(record.kept[end - 4 : end], "big") & INDEX
            self._uses.use(life, "rtcp", int.from_bytes(record.kept[4:8], "big"), index, record)


def _ids(record: Datagram) -> tuple[int, int]:
    """Sequence and SSRC of an RTP packet."""
    return int.from_bytes(record.kept[2:4], "big"), int.from_bytes(record.kept[8:12], "big")
