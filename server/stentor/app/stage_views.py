"""`LeadViews` over the copies of events and nodes that this process keeps."""

from __future__ import annotations

from stentor.app.cluster_node import Membership, relays_of, shards_of
from stentor.core.outputs import Address
from stentor.core.topology.stage_order import stage_order


class StageViews:
    """What the stage of this process sees of the cluster."""

    def __init__(self, member: Membership, node: bytes) -> None:
        """`node`: the stage's id."""
        self._book = member.book
        self._nodes = member.nodes
        self._node = node

    def id_of(self, event: bytes) -> str | None:
        """See `LeadViews.id_of`."""
        return self._book.id_of_key(event)

    def is_over(self, event: bytes) -> bool:
        """See `LeadViews.is_over`."""
        return self._book.is_over(event)

    def place_of(self, event: bytes) -> int:
        """See `LeadViews.place_of`."""
        nodes = {record.node for record in shards_of(self._nodes, "ingest")} | {self._node}
        return stage_order(event, nodes).index(self._node)

    def stages(self) -> list[Address]:
        """See `LeadViews.stages`."""
        records = shards_of(self._nodes, "ingest")
        return [record.link for record in records if record.link is not None and record.node != self._node]

    def others(self) -> list[Address]:
        """See `LeadViews.others`."""
        return [*self.stages(), *(relay.address for relay in relays_of(self._nodes))]

    def link_of(self, node: bytes) -> Address | None:
        """See `LeadViews.link_of`."""
        return next((record.link for record in shards_of(self._nodes, "ingest") if record.node == node), None)
