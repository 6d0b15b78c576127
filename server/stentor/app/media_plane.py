"""The media plane of one process that is alone: relay, ingest and stage on one UDP port, joined by calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stentor.app.load import keeper_of
from stentor.app.media_base import MAX_PUBLISHERS, Identity, Media, MediaBase, open_media
from stentor.core.admission.laws import Laws
from stentor.core.links import FrameSink
from stentor.core.outputs import Address
from stentor.ingest.ingest import Ingest
from stentor.relay.load_keeper import LoadKeeper
from stentor.relay.shard import RelayShard
from stentor.stage.stage import Stage
from stentor.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class MediaPlane:
    """Everything behind the UDP port."""

    base: MediaBase
    relay: RelayShard
    keeper: LoadKeeper
    ingest: Ingest
    stage: Stage

    def start(self) -> None:
        """Begin the periodic work."""
        self.base.start()
        self.relay.start()
        self.keeper.start()
        self.ingest.start()

    def drain(self) -> None:
        """Take nobody new; whoever is here stays."""
        self.relay.draining = True
        self.ingest.draining = True

    async def stop(self) -> None:
        """Say goodbye to every peer and let the port go."""
        await self.ingest.stop()
        self.stage.stop()
        self.keeper.stop()
        await self.relay.stop()
        self.base.stop()


def build_media_plane(
    udp: Address,
    *,
    public_ips: tuple[str, ...],
    max_seats: int,
    metrics: Metrics,
    on_heard: Callable[[bytes], None],
    media: Media = "python",
    laws: Laws | None = None,
    ptime: int | None = None,
    hold: bool = False,
) -> MediaPlane:
    """Bind the port and join the roles. Raises OSError when the port is taken.

    `on_heard(event key)` is called whenever a publisher is heard after it was not. `media`: "native" for the
    native core, "python" for its readable twin. `laws`: of admission, as shipped when None. `ptime`: pins it;
    `hold`: see `Fanout.set_ptime`.
    """
    base = open_media(
        udp,
        seats={"relay": max_seats, "ingest": MAX_PUBLISHERS},
        public_ips=public_ips,
        media=media,
        identity=Identity(),
    )
    sinks: list[FrameSink] = []
    stage = Stage(sinks, on_heard=on_heard)
    seats, doors = base.doors["relay"], base.doors["ingest"]
    laws = Laws() if laws is None else laws
    relay = RelayShard(
        seats.record, seats.shell, base.fanout, stage, metrics, hold=hold, resume_time=laws.resume_time
    )
    if ptime is not None:
        relay.set_ptime(ptime)
    keeper = keeper_of(relay, base, laws, metrics)
    sinks.append(relay)
    return MediaPlane(base, relay, keeper, Ingest(doors.record, doors.shell, stage), stage)
