"""Writes the seed corpora: wire samples and what the Python core makes of them. Run it from anywhere.

.venv/bin/python tests/fuzz/native/make_seeds.py
"""

from __future__ import annotations

import base64
from pathlib import Path

from stentor.core.opus.toc import SILENCE_20MS
from stentor.core.rtp.rtcp import (
    Bye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    serialize_rtcp,
)
from stentor.core.stage.program import ProgramFrame
from stentor.core.trunk.packet import build_trunk_payload
from stentor.core.webrtc.capsule import Capsule, PeerKind, seal_capsule
from stentor.core.webrtc.srtp import RtcpSealer, SrtpProfile
from stentor.core.webrtc.stun import binding_request

HERE = Path(__file__).resolve().parent
WIRE = HERE.parents[1] / "wire"
SECRET = bytes(range(32))
CAPSULE = Capsule(
    shard=7,
    key_id=1,
    kind=PeerKind.LISTENER,
    session=b"session1",
    ticket=b"ticket-1",
    event=b"event--1",
    generation=0,
    opus_pt=111,
    red_pt=63,
    maxptime=120,
    fingerprint_digest=bytes(16),
    expires_at=5.0,
)
BLOCK = ReportBlock(1, 26, -3, 70000, 5, 6, 7)
REPORT = serialize_rtcp([ReceiverReport(1, (BLOCK,))])
PACKETS = (
    SILENCE_20MS,  # one frame
    b"\xf9" + bytes(range(40)),  # two of one size
    b"\xfa\x05" + bytes(range(40)),  # two of different sizes
    b"\xfb\x03" + bytes(range(60)),  # three, CBR
    b"\xfb\x83\x0a\x14" + bytes(range(60)),  # three, VBR
    b"\xfb\x42\x04" + bytes(20) + bytes(4),  # padded
)
# Things that fuzz_receive.c lets happen, by their place in its list.
CHECK, REPLAY, DAMAGE, RESTART, RTCP, RAW, CONTACT, TIME, ORDER = 0, 2, 3, 4, 5, 6, 7, 8, 9


def stun() -> dict[str, bytes]:
    """RFC 5769, and what a browser would send us."""
    seeds = {}
    for path in sorted((WIRE / "stun").glob("*.hex")):
        text = "".join(line.partition("#")[0] for line in path.read_text().splitlines())
        seeds[path.stem] = bytes.fromhex(text)
    ufrag = seal_capsule(CAPSULE, SECRET)
    password = b"VOkJxbRl1RmTxUk/WvJxBt"
    for nominate in (False, True):
        seeds[f"check_{nominate}"] = binding_request(
            b"transaction1", f"{ufrag}:abcd", password, priority=1, tie_breaker=2, use_candidate=nominate
        )
    return seeds


def capsule() -> dict[str, bytes]:
    """A right one, and the bytes of one."""
    text = seal_capsule(CAPSULE, SECRET).encode()
    return {"sealed": text, "bytes": base64.b64decode(text), "foreign": seal_capsule(CAPSULE, b"x").encode()}


def rtcp() -> dict[str, bytes]:
    """Every kind of packet we know, alone and together."""
    packets = [
        SenderReport(1, 2**63, 3, 4, 5, (BLOCK,)),
        ReceiverReport(1, (BLOCK, BLOCK)),
        SourceDescription(1, "stentor"),
        Bye((1, 2), "gone"),
    ]
    seeds = {type(packet).__name__: serialize_rtcp([packet]) for packet in packets}
    return seeds | {"compound": serialize_rtcp(packets)}


def gcm() -> dict[str, bytes]:
    """Both kinds of key, an RTP header, and texts around the sizes where the loops change."""
    sizes = (0, 1, 15, 16, 63, 64, 65, 127, 128, 207, 512, 1200)
    start = [bytes((kind, 12, 1, 0, 8)) + SECRET[: 16 + 16 * kind] + bytes(24) for kind in (0, 1)]
    return {f"text_{size}_{kind}": start[kind] + bytes(size) for size in sizes for kind in (0, 1)}


def srtcp() -> dict[str, bytes]:
    """A report for each profile, plain and sealed; the first byte chooses the profile."""
    seeds = {}
    for number, profile in enumerate(SrtpProfile):
        sealer = RtcpSealer(profile, SECRET[: profile.key_length], SECRET[: profile.salt_length])
        seeds[f"sealed_{number}"] = bytes((number,)) + sealer.seal(REPORT)
        seeds[f"plain_{number}"] = bytes((number, 0, 9, 0, 0, 0, 1, 0)) + REPORT
    return seeds


def opus() -> dict[str, bytes]:
    """Each way to pack frames, and packets to merge (count, room, then each with its size)."""
    seeds = {f"packet_{number}": packet for number, packet in enumerate(PACKETS)}
    alike = [packet for packet in PACKETS if packet[0] >> 3 == PACKETS[0][0] >> 3]
    parts = b"".join(bytes((len(packet),)) + packet for packet in alike[:3])
    return seeds | {"merge": bytes((3, 4, 126)) + parts}


def red() -> dict[str, bytes]:
    """Three packets 20 ms apart: type, depth, room, size, step, payload."""
    one = bytes((111, 2, 4, 176, 0, 40, 3, 192)) + bytes(range(40))
    return {"three": bytes(4) + one * 3, "far": bytes(4) + one + one[:6] + b"\xff\xff" + one[8:]}


def elastic() -> dict[str, bytes]:
    """Frames at each target, with a gap and a change."""
    frame = bytes((0, len(SILENCE_20MS))) + SILENCE_20MS
    other = bytes((0, 10)) + b"\x78" + bytes(9)
    seeds = {f"ptime_{n}": bytes((n << 3 | 3 << 5,)) + frame * 12 for n in range(4)}
    return seeds | {"mixed": bytes((0x98,)) + (frame * 3 + other + b"\xe6" + frame + b"\xc0") * 4}


def receive() -> dict[str, bytes]:
    """Short stories about three listeners (fuzz_receive.c)."""
    home, away = bytes((CHECK, 0x40, 0)), bytes((CHECK, 0x40, 5))
    report = bytes((RTCP, 0, 5, 0, 0))
    minute = bytes((TIME, 0x0F, 0xA0))
    return {
        "move_confirmed": home + away + report + minute + home,
        "move_undone": home + away + minute * 2 + home,
        "captured_then_replayed": bytes((CHECK, 0xC1, 1)) + bytes((REPLAY, 0, 6, REPLAY, 0, 7)),
        "replayed": home + bytes((REPLAY, 0, 6)) * 4,
        "damaged": home + bytes((DAMAGE, 0, 0x83, 7, 0, 90)) * 3,
        "restart": home + bytes((RESTART, 0x50, 2, RESTART, 0x70, 3, RESTART, 0x10, 2)) + home,
        "crowd": b"".join(bytes((CHECK, 0x40 + row, at)) for row in range(3) for at in range(8)),
        "reports": bytes((RTCP, 1, 1, 0, 0, RTCP, 1, 1, 9, 9, RTCP, 0x41, 1, 0, 0)) + bytes(40),
        "contacts": bytes((CONTACT, 1, 6, CONTACT, 0x41, 6, CONTACT, 0x81, 6)) * 4,
        "orders": bytes((ORDER, 0x80, 6, RAW, 0, 9, 6))
        + b"\x16\xfe\xfd\0\0\0\0\0\0"
        + bytes((ORDER, 1, 0, ORDER, 2, 1)),
        "media": home + bytes((ORDER, 4, 20, ORDER, 4, 9)) + away + bytes((ORDER, 4, 20)) + minute,
        "silence": minute * 3 + bytes((ORDER, 3, 0)) + minute * 3,
    }


def trunk() -> dict[str, bytes]:
    """Payloads to take apart, payloads to put together, and short stories of two parents and two children."""
    frames = [ProgramFrame(10 + n, 960 * n, SILENCE_20MS + bytes(n), 960) for n in range(3)]
    part = bytes((1, 3, 192, 0, 40, 2)) + bytes(range(40))
    begin = bytes((0x00, 0, 0xFF, 0xF0, 1, 0x10, 0, 0, 9, 1, 0x02, 0, 1, 0x12, 0, 1))
    packet = bytes((0, 0, 0, 3, 0, 0xF8, 0xFF, 0xFE, 0, 0, 1))
    flow = bytes((0x04,)) + packet + bytes((0x14,)) + packet
    late = bytes((0x09, 0xFF, 0xFF))
    again, damaged = bytes((0x06, 0)), bytes((0x16, 0, 0, 20, 3))
    frame = bytes((0x07, 3)) + bytes(18) + bytes((0, 0, 1, 0, 0))
    control = bytes((0x08, 0, 20, 0xC5)) + bytes(19)
    alone = bytes((0x00, 0, 0, 0x10, 1, 0x02, 0, 1)) + flow[:12] * 2
    own = bytes((0x07, 1)) + SILENCE_20MS * 2 + bytes((0, 0x14, 0))
    overtaken = alone + own + b"\x04\0\x10" + flow[3:12] + b"\x04\1\x20" + flow[3:12]
    return {
        "apart": b"\0" + build_trunk_payload(frames[2], frames[:2]),
        "together": b"\1" + bytes(8) + part * 4,
        "flow": b"\2" + begin + flow * 6,
        "epoch": b"\2" + begin + flow * 2 + bytes((0x00, 0, 0, 1, 2)) + flow * 3,
        "silence": b"\2" + begin + flow + late + flow,
        "replayed": b"\2" + begin + flow * 2 + again + damaged + again,
        "stage": b"\2" + begin + frame * 3 + bytes((0x01, 0x03, 0x13)) + frame,
        "other-numbers": b"\2" + overtaken,
        "control": b"\2" + control * 4 + late + control,
    }


def main() -> None:
    """Write one file per seed."""
    for make in (stun, capsule, rtcp, gcm, srtcp, opus, red, elastic, receive, trunk):
        directory = HERE / "seeds" / make.__name__
        directory.mkdir(parents=True, exist_ok=True)
        for name, data in make().items():
            (directory / name).write_bytes(data)


if __name__ == "__main__":
    main()
