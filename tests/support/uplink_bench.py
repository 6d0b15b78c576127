"""One uplink on a bench: what it says, what it installs, whether what it installed flows. Virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from stentor.core.mesh.messages import Subscribe, SubscribeAck, Unsubscribe
from stentor.core.topology.relay_tree import RelayTree, TreeNode
from stentor.core.trunk.epochs import Epochs
from stentor.core.trunk.notices import InstallUplink, RemoveUplink, Send, UplinkOutput
from stentor.core.trunk.uplink import Uplink

EVENT, SECRET = b"event..1", bytes(32)
STAGE = TreeNode(b"stage..1", ("10.255.0.1", 7000))
OTHER_STAGE = TreeNode(b"stage..2", ("10.255.0.2", 7000))
NONCE_P = b"p" * 16


def relays(count: int) -> list[TreeNode]:
    return [TreeNode(n.to_bytes(8, "big"), (f"10.0.{n >> 8}.{n & 255}", 7000)) for n in range(1, count + 1)]


@dataclass
class Bench:
    """One uplink and what it said; time moves by `run`."""

    count: int = 300
    leaf: bool = True
    now: float = 1000.0
    sent: list[Send] = field(default_factory=list)
    installed: dict[int, InstallUplink] = field(default_factory=dict)
    fed: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.nodes = relays(self.count)
        self.tree = RelayTree()
        self.tree.set_directory(self.nodes, version=1)
        names = [relay.node for relay in self.nodes]
        self.node = next(name for name in names if self.tree.asks_stage(EVENT, name) is not self.leaf)
        self.epochs = Epochs()
        self.uplink = Uplink(
            EVENT,
            self.node,
            SECRET,
            self.tree,
            self.epochs,
            stream_port=7001,
            random_bytes=Random(7).randbytes,
        )

    @property
    def candidates(self) -> tuple[TreeNode, ...]:
        return self.tree.candidates(EVENT, self.node, STAGE)

    def do(self, outputs: list[UplinkOutput]) -> None:
        for output in outputs:
            if isinstance(output, Send):
                self.sent.append(output)
            elif isinstance(output, InstallUplink):
                assert output.ssrc not in self.installed
                self.installed[output.ssrc] = output
            else:
                assert isinstance(output, RemoveUplink)
                del self.installed[output.ssrc]
                self.fed.discard(output.ssrc)
        assert len(self.installed) <= 2

    def begin(self, *, stage: TreeNode | None = STAGE, epoch: int = 1) -> Bench:
        if stage is not None:
            self.do(self.uplink.on_stage(epoch, stage, self.now))
        self.do(self.uplink.start(self.now))
        return self

    def run(self, seconds: float) -> None:
        """Poll as a shell does: at due times, and each 50 ms with what has come."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, max(self.now, min(self.uplink.next_due(), self.now + 0.05)))
            for ssrc in self.uplink.ssrcs:
                at = self.now if ssrc in self.fed else None
                self.do(self.uplink.on_packet_time(ssrc, at, self.now))
            self.do(self.uplink.poll(self.now))

    def run_until_asked(self, parent: bytes, *, within: float) -> None:
        end = self.now + within
        while self.name_of(self.asked()) != parent:
            assert self.now < end
            self.run(0.02)

    def asked(self) -> Send:
        return [sent for sent in self.sent if isinstance(sent.message, Subscribe)][-1]

    def name_of(self, sent: Send) -> bytes:
        return next(n.node for n in (*self.nodes, STAGE, OTHER_STAGE) if n.address == sent.to)

    def ack(
        self, *, epoch: int = 1, refused: str = "", nonce_p: bytes = NONCE_P, stage: bytes | None = None
    ) -> None:
        """Answer what was asked last."""
        asked = self.asked()
        assert isinstance(asked.message, Subscribe)
        who = self.name_of(asked)
        named = (STAGE if epoch == 1 else OTHER_STAGE).node if stage is None else stage
        answer = SubscribeAck(EVENT, asked.message.nonce_c, nonce_p, epoch, named, refused)  # type: ignore[arg-type]
        self.do(self.uplink.on_ack(answer, who, self.now))

    def join(self, *, epoch: int = 1) -> InstallUplink:
        """Whoever was asked last answers and feeds."""
        before = set(self.installed)
        self.ack(epoch=epoch)
        (new,) = set(self.installed) - before
        install = self.installed[new]
        self.fed = {new}
        self.run(0.05)
        return install

    def unsubscribed(self) -> list[int]:
        return [sent.message.ssrc for sent in self.sent if isinstance(sent.message, Unsubscribe)]

    def parents_asked(self) -> list[bytes]:
        """Each once, in order."""
        names = [self.name_of(sent) for sent in self.sent if isinstance(sent.message, Subscribe)]
        return list(dict.fromkeys(names))
