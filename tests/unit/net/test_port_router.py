"""Several session tables behind one port: which datagram reaches which."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from stentor.core.outputs import Address
from stentor.core.rtp.packet import rtp_header
from stentor.core.webrtc.address_book import AddressBook
from stentor.core.webrtc.capsule import PeerKind
from stentor.core.webrtc.peer_table import PeerTable
from stentor.core.webrtc.table_config import TableConfig
from stentor.net.port_router import PortRouter
from support.memory_peer import SECRET, SERVER_IP, MemoryPeer, identity

HOME = ("198.51.100.1", 1)
RELAY, INGEST = 7, 8


class Port:
    """A table on a port whose time stands still."""

    def __init__(self, shard: int, addresses: AddressBook) -> None:
        self.shard = shard
        config = TableConfig(shard, 1, SECRET, identity(), 10)
        self.table = PeerTable(config, now=0.0, addresses=addresses)
        self.taken: list[bytes] = []
        self.holds = 0

    def owns(self, address: Address) -> bool:
        return self.table.owns(address)

    def receive_datagram(self, data: bytes, address: Address, source: str | None) -> None:
        self.taken.append(data)
        self.table.receive_datagram(data, address, source, now=0.0)

    def hold_consent(self) -> None:
        self.holds += 1


def make_router() -> tuple[PortRouter, Port, Port]:
    addresses = AddressBook()
    router, relay, ingest = PortRouter(), Port(RELAY, addresses), Port(INGEST, addresses)
    router.connect([relay, ingest])
    return router, relay, ingest


def test_a_first_contact_goes_to_the_shard_its_capsule_names():
    router, relay, ingest = make_router()
    check = MemoryPeer(HOME, shard=INGEST).binding()
    router.on_datagram(check, HOME, SERVER_IP)
    assert (relay.taken, ingest.taken) == ([], [check])


def test_what_is_not_stun_goes_to_the_table_that_knows_its_address():
    router, relay, ingest = make_router()
    MemoryPeer(HOME, shard=INGEST, kind=PeerKind.PUBLISHER).connect(ingest.table)
    packet = rtp_header(111, 1, 1, 1) + bytes(30)
    router.on_datagram(packet, HOME, SERVER_IP)
    assert (relay.taken, ingest.taken) == ([], [packet])


def test_a_check_reaches_its_own_shard_although_another_one_knows_the_address():
    router, relay, ingest = make_router()
    MemoryPeer(HOME, shard=RELAY).connect(relay.table)
    check = MemoryPeer(HOME, shard=INGEST).binding()
    router.on_datagram(check, HOME, SERVER_IP)
    assert ingest.taken == [check]
    assert ingest.table.dropped["address of another"] == 1


def test_what_nobody_knows_is_counted_and_goes_nowhere():
    router, relay, ingest = make_router()
    stranger = MemoryPeer(HOME, shard=99).binding()
    for data in (b"", b"\x16\xfe\xfd" + bytes(40), b"\x80" * 60, stranger, stranger[:-1]):
        router.on_datagram(data, HOME, SERVER_IP)
    assert router.dropped["nobody's"] == 5
    assert relay.taken == ingest.taken == []


def test_dropped_datagrams_are_counted_and_hold_consent_everywhere():
    router, relay, ingest = make_router()
    router.on_kernel_drops(12)
    assert router.dropped["receive queue"] == 12
    assert relay.holds == ingest.holds == 1


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_no_datagram_raises(noise: bytes, bit: int):
    router, relay, _ = make_router()
    check = bytearray(MemoryPeer(HOME, shard=RELAY).binding(transaction=os.urandom(12)))
    check[bit // 8 % len(check)] ^= 1 << bit % 8
    router.on_datagram(noise, HOME, SERVER_IP)
    router.on_datagram(bytes(check), HOME, SERVER_IP)
    assert relay.table.peers == 0
