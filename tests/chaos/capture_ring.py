"""Sees what leaves nodes by the links of their hosts, and keeps a record of it: a process of its own. Root.

One packet socket per link with a ring that it shares with the kernel (TPACKET_V3,
Documentation/networking/packet_mmap.rst): a system call per tenth of a second and not per packet. A filter in
the kernel leaves out what is not UDP, and of the crowd's addresses all but each k-th. Frames that go to a
host are not looked at: what a node sends is seen once, where it leaves.

    python -m chaos.capture_ring --link stc3 --link stc4 --every 4 --file packets

Ends with SIGTERM; the last line that it prints says how much it saw and how much it had to leave out.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import mmap
import os
import selectors
import signal
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from chaos.capture_records import Datagram, datagram, write
from chaos.hosts import CROWD

BLOCK, BLOCKS = 1 << 18, 48  # bytes and how many: 12 MB a link, some seconds of 5,000 packets/s
RETIRE = 100  # ms until a block that is not full is handed over
MOST = 400 << 20  # bytes of a file: 20 minutes of 6,000 packets/s; the rest is counted as lost
NICE = 10

_SOL_PACKET, _ETH_P_ALL, _SO_ATTACH_FILTER = 263, 3, 26  # linux/socket.h, if_ether.h, asm-generic/socket.h
_RX_RING, _STATISTICS, _VERSION, _IGNORE_OUTGOING = 5, 6, 10, 23  # linux/if_packet.h
_TPACKET_V3 = 2
_OURS = 1  # TP_STATUS_USER
_block = struct.Struct("=8xIII")  # tpacket_block_desc: status, packets, offset of the first
_packet = struct.Struct("=IIII8xH")  # tpacket3_hdr: next, seconds, nanoseconds, captured length; tp_mac
_word = struct.Struct("=I")
_ETHERNET, _UDP = 14, 8  # bytes of a header


def filter_for(every: int) -> bytes:
    """A classic BPF program (linux/filter.h): whole UDP datagrams, of the crowd's one address in `every`."""
    network, mask = int(CROWD.network_address), int(CROWD.netmask)
    program = [
        (0x28, 0, 0, 12),  # ldh: EtherType
        (0x15, 0, 11, 0x0800),  # IPv4, or to the end
        (0x30, 0, 0, 23),  # ldb: protocol
        (0x15, 0, 9, socket.IPPROTO_UDP),
        (0x28, 0, 0, 20),  # ldh: flags and fragment offset
        (0x45, 7, 0, 0x1FFF),  # a later fragment
        (0x20, 0, 0, 30),  # ld: to which address
        (0x54, 0, 0, mask),
        (0x15, 0, 3, network),  # not of the crowd: accept
        (0x20, 0, 0, 30),
        (0x94, 0, 0, every),  # modulo
        (0x15, 0, 1, 0),
        (0x06, 0, 0, 0x40000),  # accept
        (0x06, 0, 0, 0),  # leave out
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


class Ring:
    """Datagrams that come in by one link, as its name is `ip link`'s. OSError without root or link."""

    def __init__(self, link: str, every: int) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # hears nothing before `bind`
        self._socket.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
        self._socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        request = struct.pack("=7I", BLOCK, BLOCKS, 2048, BLOCK // 2048 * BLOCKS, RETIRE, 0, 0)
        self._socket.setsockopt(_SOL_PACKET, _RX_RING, request)
        self._map = mmap.mmap(self._socket.fileno(), BLOCK * BLOCKS)
        program = ctypes.create_string_buffer(filter_for(every))
        length = len(program.raw) // 8
        fprog = struct.pack("@HL", length, ctypes.addressof(program))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)
        self._socket.bind((link, _ETH_P_ALL))
        self._next = 0

    def fileno(self) -> int:
        """Readable when a block is ready."""
        return self._socket.fileno()

    def drain(self) -> Iterator[Datagram]:
        """All that is there."""
        while True:
            at = self._next * BLOCK
            status, count, first = _block.unpack_from(self._map, at)
            if not status & _OURS:
                return
            yield from self._packets(at + first, count)
            _word.pack_into(self._map, at + 8, 0)
            self._next = (self._next + 1) % BLOCKS

    def statistics(self) -> tuple[int, int]:
        """Frames that passed the filter since the last call, and how many of them found no room."""
        seen, lost, _ = struct.unpack("=3I", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12))
        return seen, lost

    def _packets(self, at: int, count: int) -> Iterator[Datagram]:
        for _ in range(count):
            forward, seconds, nanoseconds, length, mac = _packet.unpack_from(self._map, at)
            frame = self._map[at + mac : at + mac + length]
            at += forward
            udp = _ETHERNET + 4 * (frame[_ETHERNET] & 15)
            end = udp + int.from_bytes(frame[udp + 4 : udp + 6], "big")
            source, to = frame[26:30] + frame[udp : udp + 2], frame[30:34] + frame[udp + 2 : udp + 4]
            record = datagram(seconds + nanoseconds / 1e9, source, to, frame[udp + _UDP : end])
            if record is not None:
                yield record


def capture(links: list[str], every: int, path: Path) -> dict[str, int]:
    """Until SIGTERM; frames seen and lost, and what it cost."""
    over = False

    def stop(number: int, frame: object) -> None:
        nonlocal over
        over = True

    signal.signal(signal.SIGTERM, stop)
    with path.open("wb", buffering=1 << 20) as file, selectors.DefaultSelector() as selector:
        rings = [Ring(link, every) for link in links]
        for ring in rings:
            selector.register(ring, selectors.EVENT_READ)
        print("ready", flush=True)
        written = left_out = 0
        while not over:
            selector.select(0.5)
            for record in (record for ring in rings for record in ring.drain()):
                if written < MOST:
                    written += write(file, record)
                else:
                    left_out += 1
            time.sleep(RETIRE / 1000)  # links take turns with their blocks: all of them in one go
        time.sleep(3 * RETIRE / 1000)
        for record in (record for ring in rings for record in ring.drain()):
            write(file, record)
        counts = [ring.statistics() for ring in rings]
    seen, lost = (sum(column) for column in zip(*counts, strict=True))
    return {"seen": seen, "lost": lost + left_out, "cpu_ms": int(1000 * time.process_time())}


def main() -> None:
    """Capture, and say what it came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--link", action="append", required=True)
    parser.add_argument("--every", type=int, required=True)
    parser.add_argument("--file", type=Path, required=True)
    given = parser.parse_args()
    os.nice(NICE)
    print(json.dumps(capture(given.link, given.every, given.file)), flush=True)


if __name__ == "__main__":
    main()
