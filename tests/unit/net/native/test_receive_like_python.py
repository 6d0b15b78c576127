"""Whatever listeners and forgers send, the native receive side and `PeerTable` do the same with it.

Three listeners join a `PeerTable`; their rows in the native core start from what it knew. From then on both
are given the same datagrams at the same times. Invariant: the same answers to the same addresses, the same
drops for the same reasons, media to the same place, and the same sessions closed.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from stentor.core.outputs import Address
from stentor.core.rtp.rtcp import ReceiverReport, ReportBlock, serialize_rtcp
from stentor.core.webrtc.capsule import ice_password, seal_capsule
from stentor.core.webrtc.demux import Kind, classify
from stentor.core.webrtc.notices import PeerClosed
from stentor.core.webrtc.srtp import RtcpSealer
from support.memory_peer import SECRET, SERVER_IP, MemoryPeer, make_table
from support.native_core import CLOSED, MOVED, NOTICES, NativePort

HOMES: tuple[Address, ...] = (("198.51.100.1", 1), ("198.51.100.2", 2), ("2001:db8::3", 3))
ADDRESSES = (*HOMES, ("203.0.113.1", 4), ("203.0.113.2", 5), ("2001:db8::6", 6), ("203.0.113.3", 7))
SOURCES = (SERVER_IP, "192.0.2.2")

peers = st.integers(0, 2)
addresses = st.integers(0, len(ADDRESSES) - 1)


class TwoTables(RuleBasedStateMachine):
    """One step is one datagram, or time that passes. Datagrams come on whole seconds, timers in between."""

    @initialize()
    def begin(self) -> None:
        self.now = 1
        self.table, self.native = make_table(now=0.0), NativePort()
        self.clients = [MemoryPeer(home, expires_at=1000.0) for home in HOMES]
        self.rows: dict[int, int] = {}
        self.media: list[Address] = []
        self.sealers: list[RtcpSealer] = []
        self.captured: list[bytes] = []
        self.seen: Counter[str] = Counter()
        for number, client in enumerate(self.clients):
            client.connect(self.table, now=1.0)
            self.sealers.append(client.rtcp_sealer())
            row = self.native.seat(self.table._peers[client.capsule.session], now=1.0)
            self.rows[row] = number
            self.media.append(client.address)
        self.closed: set[int] = set()
        self.table.take_notices()
        self.table.take_transmits()
        self.seen = Counter(self.table.dropped)

    def teardown(self) -> None:
        self.native.close()

    # -- what happens -------------------------------------------------------------------------------------

    @rule(peer=peers, at=addresses, use_candidate=st.booleans(), source=st.integers(0, 1))
    def check(self, peer: int, at: int, use_candidate: bool, source: int) -> None:
        data = self.clients[peer].binding(use_candidate=use_candidate)
        self.captured.append(data)
        self.give(peer, data, at, source)

    @rule(peer=peers, use_candidate=st.booleans())
    def check_from_home(self, peer: int, use_candidate: bool) -> None:
        self.check(peer, peer, use_candidate, 0)

    @rule(number=st.integers(0, 1000), at=addresses)
    def replay(self, number: int, at: int) -> None:
        if self.captured:
            data = self.captured[number % len(self.captured)]
            peer = next(n for n, client in enumerate(self.clients) if client.ufrag.encode() in data)
            self.give(peer, data, at, 0)

    @rule(peer=peers, at=addresses, byte=st.integers(0, 400), flip=st.integers(1, 255))
    def damaged(self, peer: int, at: int, byte: int, flip: int) -> None:
        data = bytearray(self.clients[peer].binding())
        data[byte % len(data)] ^= flip
        self.give(peer, bytes(data), at, 0)

    @rule(peer=peers, at=addresses)
    def forged_password(self, peer: int, at: int) -> None:
        client = self.clients[peer]
        right, client.password = client.password, b"guessed"
        data = client.binding()
        client.password = right
        self.give(peer, data, at, 0)

    @rule(peer=peers, at=addresses, step=st.sampled_from([0, 1]), lifetime=st.sampled_from([0, 5]))
    def restart(self, peer: int, at: int, step: int, lifetime: int) -> None:
        client, before = self.clients[peer], self.clients[peer].capsule
        if before.generation > 250 or peer in self.closed:
            return
        capsule = type(before)(
            **{name: getattr(before, name) for name in before.__dataclass_fields__}
            | {"generation": before.generation + step, "expires_at": float(self.now + lifetime)}
        )
        kept = client.ufrag, client.password
        client.ufrag = seal_capsule(capsule, SECRET)
        client.password = ice_password(client.ufrag, SECRET).encode()
        self.give(peer, client.binding(), at, 0)
        if client.ufrag not in self.table._logins:
            client.ufrag, client.password = kept
        else:
            client.capsule = capsule
            self.captured = [data for data in self.captured if kept[0].encode() not in data]

    @rule(peer=peers, at=addresses)
    def rtcp(self, peer: int, at: int) -> None:
        data = self.sealers[peer].seal(serialize_rtcp([ReceiverReport(1, ())]))
        self.captured_rtcp = data
        self.give(peer, data, at, 0)

    @rule(peer=peers, at=addresses, byte=st.integers(0, 60), flip=st.integers(0, 255))
    def damaged_rtcp(self, peer: int, at: int, byte: int, flip: int) -> None:
        block = ReportBlock(1, 0, 0, 0, 0, 0, 0)
        data = bytearray(self.sealers[peer].seal(serialize_rtcp([ReceiverReport(1, (block,))])))
        data[2 + byte % (len(data) - 2)] ^= flip  # the first two bytes say that it is RTCP
        self.give(peer, bytes(data), at, 0)

    @rule(at=addresses, data=st.sampled_from([b"", b"\x50", b"\x40\x00\x00\x00", b"\x80", b"\xff" * 20]))
    def noise(self, at: int, data: bytes) -> None:
        self.give(None, data, at, 0)

    @rule()
    def kernel_drops(self) -> None:
        self.table.hold_consent(self.now + 10.0)
        self.native.overflow(1, now=self.now)

    @rule(seconds=st.sampled_from([1, 2, 5, 7, 11, 25, 31, 61]))
    def wait(self, seconds: int) -> None:
        for second in range(self.now, self.now + seconds):
            self.table.handle_timeout(now=second + 0.34)
            for twentieth in range(4):
                self.native.step(second + 0.3 + twentieth * 0.02)
        self.now += seconds
        self.compare()

    # -- both are given the same, and compared ------------------------------------------------------------

    def give(self, peer: int | None, data: bytes, at: int, source: int) -> None:
        if peer in self.closed or classify(data) is Kind.RTP:
            return  # `PeerTable` opens RTP, because it has publishers; the core has none (test_receive.py)
        address = ADDRESSES[at]
        self.table.receive_datagram(data, address, SOURCES[source], now=float(self.now))
        self.native.receive(data, address, SOURCES[source], now=float(self.now), timers=False)
        self.compare()

    def compare(self) -> None:
        python = [(t.to, t.source, t.data) for t in self.table.take_transmits() if t.data[0] <= 3]
        assert self.native.sent() == python
        dropped = self.table.dropped - self.seen
        counters = self.native.counters()
        assert {name: counters[name] for name in dropped} == dict(dropped)
        self.compare_sessions()

    def compare_sessions(self) -> None:
        python = {n.session for n in self.table.take_notices() if isinstance(n, PeerClosed)}
        native = set()
        for record in self.native.taken_up(NOTICES):
            if record.kind == CLOSED:
                native.add(self.rows[record.row])
            elif record.kind == MOVED:
                self.media[self.rows[record.row]] = record.address
        assert {self.clients[number].capsule.session for number in native} == python
        self.closed |= native
        for number, client in enumerate(self.clients):
            if number not in self.closed:
                pair = self.table._peers[client.capsule.session].media_pair
                assert pair is not None and self.media[number] == pair.address


TwoTables.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
test_both_do_the_same_with_the_same_datagrams = TwoTables.TestCase
