"""Both fan-outs behind one fake wire, and what the tests feed them."""

from __future__ import annotations

from stentor.core.outputs import Address
from stentor.core.stage.program import ProgramFrame
from stentor.core.webrtc.demux import Kind, classify
from stentor.core.webrtc.srtp import Opener, SrtpKeys, SrtpProfile, keying_length, keys_from_exporter
from stentor.net.fanout import Fanout, ListenerSpec, PythonFanout, SendReport
from stentor.net.native_core import CoreConfig, NativeCore
from stentor.net.native_fanout import NativeFanout

GROUP = b"event--1"
NTP = 0x0123456789ABCDEF


class Wire:
    """Collects what a fan-out sends; addresses that are closed take nothing."""

    def __init__(self, kind: str) -> None:
        self.sent: list[tuple[bytes, Address, str | None]] = []
        self.now = 1000.0
        self._closed: set[Address] = set()
        self._core: NativeCore | None = None
        self.fanout: Fanout
        if kind == "python":
            self.fanout = PythonFanout(self._send)
        else:
            config = CoreConfig(shard=1, key_id=1, secret=bytes(32), spread=0.0)
            self._core = NativeCore(config, capture=True)
            self.fanout = NativeFanout(self._core, monotonic=lambda: self.now)

    @property
    def core(self) -> NativeCore:
        """The native core."""
        assert self._core is not None
        return self._core

    def close(self) -> None:
        """Free the core."""
        if self._core is not None:
            self._core.close()

    def refuse(self, address: Address) -> None:
        """Nothing can be sent there."""
        self._closed.add(address)
        if self._core is not None:
            self._core.capture_refuse(address)

    def send(self, frame: ProgramFrame, *, group: bytes = GROUP, ntp: int = NTP) -> SendReport:
        """One frame through the fan-out."""
        return self._collect(self.fanout.send_frame(group, frame, ntp=ntp))

    def advance(self, timestamp: int, *, group: bytes = GROUP) -> SendReport:
        """The program's clock without a frame."""
        return self._collect(self.fanout.advance(group, timestamp))

    def to(self, address: Address, kind: Kind = Kind.RTP) -> list[bytes]:
        """What went to an address."""
        return [data for data, to, _ in self.sent if to == address and classify(data) is kind]

    def rtp(self) -> list[tuple[bytes, Address, str | None]]:
        """All RTP."""
        return [sent for sent in self.sent if classify(sent[0]) is Kind.RTP]

    def _collect(self, report: SendReport) -> SendReport:
        if self._core is not None:
            self.sent += self._core.take_captured()
        return report

    def _send(self, data: bytes, to: Address, source: str | None) -> bool:
        if to in self._closed:
            return False
        self.sent.append((data, to, source))
        return True


def make_keys(number: int, profile: SrtpProfile = SrtpProfile.AEAD_AES_128_GCM) -> SrtpKeys:
    """Keys that differ by number."""
    material = bytes((number + i) & 0xFF for i in range(keying_length(profile)))
    return keys_from_exporter(profile, material, is_client=False)


def opener_of(keys: SrtpKeys) -> Opener:
    """The listener's side of these keys."""
    return Opener(keys.profile, keys.local_key, keys.local_salt)


def address_of(number: int) -> Address:
    """Where listener `number` is."""
    return ("198.51.100.1", number)


def make_spec(number: int, **changes: object) -> ListenerSpec:
    """A listener that differs from others by number."""
    fields: dict[str, object] = {
        "group": GROUP,
        "keys": make_keys(number),
        "payload_type": 111,
        "ssrc": 77,
        "first_sequence": 1000 * number,
        "address": address_of(number),
        "source": "192.0.2.1",
    }
    return ListenerSpec(**(fields | changes))  # type: ignore[arg-type]


def make_frame(number: int, payload: bytes = b"\xf8opus") -> ProgramFrame:
    """Frame `number` of a program of 20 ms frames."""
    return ProgramFrame(sequence=5000 + number, timestamp=960 * number, payload=payload, duration=960)
