"""Which events this stage leads: leases taken, kept and lost, and what children and publishers see of it.

A stage takes an event's lease when its publisher comes, or when relays ask for an event that nobody leads.
Its epoch then goes with everything the stage says. Once a higher epoch is seen, by a lost renewal or by a
relay's word, the stage is deposed: its children learn it, and its publisher is sent away to the new one.

A lease that is free proves little: a store that lost its data gives away what a living stage holds. So before
a stage takes an event because relays ask, it asks the other stages, and leaves it alone when one answers.

A stage that drains gives its leases back and goes on until another has begun, however it hears of that; see
docs/decisions/0021-one-leader-while-stages-drain.md.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

from stentor.cluster.lease_holder import LeaseHolder
from stentor.cluster.leases import Lease, Leases
from stentor.core.mesh.envelope import Sender
from stentor.core.mesh.messages import StageIs, WhoIsStage
from stentor.core.outputs import Address
from stentor.core.trunk.epochs import Epochs
from stentor.core.trunk.subscribers import Standing
from stentor.net import clock
from stentor.net.mesh_port import MeshPort, StaleEpochError
from stentor.net.rounds import sleep_to_round, until_round
from stentor.net.trunk_children import TrunkChildren
from stentor.stage.claims import Claims
from stentor.stage.lead_views import LeadViews
from stentor.stage.led import Led
from stentor.stage.stage import Stage

HEAR_FIRST = 0.25  # seconds the other stages have to say that one of them leads
TURN = 1.0  # seconds the next stage in the event's order leaves to the one before it
TRY_EVERY = 0.5  # seconds between two attempts to take a lease that somebody else still holds
GIVE_UP = 6.0  # seconds a publisher is kept without the lease: twice as long as a dead holder's lasts
IDLE = 60.0  # seconds without publisher and children until the lease is given back
LOOK_EVERY = 1.0  # seconds
SOUNDS_AFTER = 0.12  # seconds a new publisher is heard before relays are told: its jitter buffer has filled
SOUNDS_WITHIN = 1.5  # seconds they are told in any case
PASSING = 3.0  # seconds a stage that drains goes on after another has begun: relays change over meanwhile

_log = logging.getLogger(__name__)


class StageLead:
    """`SourceSink` in front of the stage of a cluster node, and the voice of the stage in the mesh."""

    def __init__(
        self,
        stage: Stage,
        leases: Leases,
        epochs: Epochs,
        mesh: MeshPort,
        views: LeadViews,
        *,
        link: Address,
        end_publisher: Callable[[bytes], None],
    ) -> None:
        """`link`: where others reach us. `end_publisher(event)`: send the publisher away."""
        self._stage = stage
        self._leases = leases
        self._claims = Claims(leases, mesh.node, epochs, id_of=views.id_of)
        self._epochs = epochs
        self._mesh = mesh
        self._views = views
        self._link = link
        self._end_publisher = end_publisher
        self._events: dict[bytes, Led] = {}
        self._turned_away: dict[bytes, float] = {}  # events of which we said that we are not the stage
        self._looker: asyncio.Task[None] | None = None
        self.draining = False
        """Whether events that nobody leads are left to other stages, if there is one that takes them."""
        self._stopped = False
        self.children: TrunkChildren | None = None
        """Whom we feed; set before `start`."""
        self._tasks: set[asyncio.Task[None]] = set()
        mesh.on(WhoIsStage, self._on_question)
        mesh.on(StageIs, self._on_stage_is)

    def start(self) -> None:
        """Begin to look after the leases."""
        self._looker = asyncio.get_running_loop().create_task(self._look_forever(), name="stage lead")

    def drain(self) -> None:
        """Take nothing new, and leave what we lead to the stage its publisher goes to."""
        self.draining = True
        self._run(self._pass_on())

    async def stop(self) -> None:
        """Give every lease back, so that another stage may begin at once."""
        self.draining = self._stopped = True
        for task in self._tasks:
            task.cancel()
        if self._looker is not None:
            self._looker.cancel()
            await asyncio.gather(self._looker, return_exceptions=True)
        if self.children is not None:
            self.children.leave()
        for event in list(self._events):
            await self._let_go(event)

    def epoch_of(self, event: bytes) -> int:
        """Of our lease; 0 when we do not lead the event."""
        led = self._events.get(event)
        return 0 if led is None else led.epoch

    def led_events(self) -> list[bytes]:
        """The events we lead."""
        return [event for event, led in self._events.items() if led.holder is not None]

    async def end_event(self, event: bytes) -> None:
        """The event is over."""
        await self._let_go(event)
        self._stage.end_event(event)

    # -- SourceSink ---------------------------------------------------------------------------------------

    def open_source(self, event: bytes, source: bytes, *, now: float) -> None:
        """See `SourceSink.open_source`."""
        self._stage.open_source(event, source, now=now)
        led = self._led(event, now)
        led.source, led.source_at = source, now
        self._take(event, led)

    def close_source(self, event: bytes, source: bytes, *, now: float) -> None:
        """See `SourceSink.close_source`."""
        self._stage.close_source(event, source, now=now)
        led = self._events.get(event)
        if led is not None and led.source == source:
            led.source = None

    def receive(
        self, event: bytes, source: bytes, sequence: int, timestamp: int, payload: bytes, *, now: float
    ) -> None:
        """See `SourceSink.receive`."""
        self._stage.receive(event, source, sequence, timestamp, payload, now=now)

    # -- what others say ----------------------------------------------------------------------------------

    def wanted(self, event: bytes) -> None:
        """A relay subscribes to an event of which we know nothing."""
        if event not in self._events:
            self._turn_away(event)

    def overtaken(self, event: bytes, epoch: int, by: bytes = b"") -> None:
        """Somebody has seen a higher epoch: we are replaced, or the store forgot what it gave out.

        `by`: the stage that has it, if that is known; then the epoch may also be ours.
        """
        led = self._events.get(event)
        if led is None or led.holder is None or led.taking is not None:
            return
        if not led.passing:
            led.taking = asyncio.get_running_loop().create_task(self._rise(event, led, led.holder, epoch, by))
        elif led.is_below(epoch, by) and not led.ending:
            led.ending = True
            self._run(self._end_later(event, led))

    def _on_question(self, message: WhoIsStage, sender: Sender) -> None:
        event, now = message.event, clock.monotonic()
        self._epochs.see(event, message.highest_epoch)
        epoch = self.epoch_of(event)
        if epoch and message.highest_epoch > epoch:
            self.overtaken(event, message.highest_epoch)
            return
        if epoch:
            self._mesh.tell(self._stage_is(event, epoch), sender.address)
            return
        if self._views.id_of(event) is None or self._views.is_over(event):
            return
        led = self._led(event, now)
        seconds = led.asked(sender.address, now)
        if seconds is None:
            for address in self._views.stages():
                self._mesh.tell(WhoIsStage(event, self._epochs.highest(event)), address)
        elif seconds >= HEAR_FIRST + TURN * self._place_of(event):
            self._take(event, led)

    def _on_stage_is(self, message: StageIs, sender: Sender) -> None:
        """StaleEpochError for the word of a stage that was replaced."""
        event, led = message.event, self._events.get(message.event)
        if not self._epochs.admits(event, message.epoch):
            if led is not None and led.epoch > message.epoch:  # it has missed our word
                self._mesh.tell(self._stage_is(event, led.epoch), sender.address)
            raise StaleEpochError("stage", message.epoch, self._epochs.highest(event))
        self._epochs.see(event, message.epoch)
        if led is None:
            return
        led.asked_since = None  # somebody does it
        if message.epoch > led.epoch and led.holder is not None and not led.passing:
            led.holder.depose(message.epoch)
        elif message.stage != self._mesh.node:
            self.overtaken(event, message.epoch, message.stage)

    # -- leases -------------------------------------------------------------------------------------------

    def _led(self, event: bytes, now: float) -> Led:
        led = self._events.setdefault(event, Led(now))
        led.used_at = now
        return led

    def _take(self, event: bytes, led: Led) -> None:
        if led.holder is None and led.taking is None and not self._stopped:
            led.taking = asyncio.get_running_loop().create_task(self._try_to_take(event, led))

    def _place_of(self, event: bytes) -> int:
        """In the order of stages that may take the event. Who drains comes after all others: better a stage
        that is about to stop than none."""
        place = self._views.place_of(event)
        return place + 1 + len(self._views.stages()) if self.draining else place

    async def _try_to_take(self, event: bytes, led: Led) -> None:
        """Once for relays that ask; for a publisher, who may also come meanwhile, until it is to go."""
        try:
            while not await self._took(event, led):
                if led.source is None:
                    return
                if clock.monotonic() - led.source_at >= GIVE_UP:
                    self._end_publisher(event)
                    return
                await asyncio.sleep(TRY_EVERY)
        finally:
            self._have_taken(led)

    async def _took(self, event: bytes, led: Led) -> bool:
        lease = await self._claims.take(event)
        if lease is not None:
            self._begin(event, led, lease)
            return True
        if led.askers:
            await self._point_to_holder(event, led)
        return False

    async def _point_to_holder(self, event: bytes, led: Led) -> None:
        """Somebody has the lease, whom the relays perhaps did not ask: they know a few stages alone."""
        lease = await self._claims.held_by_other(event)
        link = None if lease is None else self._views.link_of(lease.holder)
        if lease is not None and link is not None:
            said = StageIs(event, lease.epoch, lease.holder, link)
            for address in led.askers:
                self._mesh.tell(said, address)
            led.askers.clear()

    async def _rise(self, event: bytes, led: Led, holder: LeaseHolder, epoch: int, by: bytes) -> None:
        """Lead with an epoch above `epoch` if the lease is ours, else be deposed."""
        try:
            lease = await self._claims.raised(event, holder.lease)
            if lease is None:
                holder.depose(epoch, by)
            elif holder.is_held:
                holder.lease = lease
                self._speak_up(event, led, lease)
        finally:
            self._have_taken(led)

    def _begin(self, event: bytes, led: Led, lease: Lease) -> None:
        led.holder = LeaseHolder(
            self._leases, lease, on_lost=lambda _: self._deposed(event), pause=until_round
        )
        led.holder.start()
        self._speak_up(event, led, lease)

    def _speak_up(self, event: bytes, led: Led, lease: Lease) -> None:
        """Tell everybody who leads the event, and feed whoever comes."""
        self._epochs.see(event, lease.epoch)
        self._turned_away.pop(event, None)
        led.asked_since = None
        _log.info("stage of event %s, epoch %d", self._views.id_of(event), lease.epoch)
        self._stage.subscribe(event, now=clock.monotonic())
        if self.children is not None:
            self.children.serve(event, Standing.STAGE, epoch=lease.epoch, stage=self._mesh.node)
        self._run(self._announce(event, led, self._stage_is(event, lease.epoch)))

    async def _announce(self, event: bytes, led: Led, said: StageIs) -> None:
        """Tell everybody; of a publisher who has just come once it sounds, so that nobody changes over to
        silence."""
        until = clock.monotonic() + SOUNDS_WITHIN
        while led.source is not None and clock.monotonic() < until:
            if self._stage.heard_for(event, now=clock.monotonic()) >= SOUNDS_AFTER:
                break
            await asyncio.sleep(0.02)
        if self.epoch_of(event) != said.epoch:
            return  # deposed or let go meanwhile
        for address in {*self._views.others(), *led.askers}:
            self._mesh.tell(said, address)
        led.askers.clear()

    def _have_taken(self, led: Led) -> None:
        """We tried to. Who drains keeps no lease, also not one that was on its way."""
        led.taking = None
        if self.draining and not self._stopped:
            self._run(self._pass_on())

    async def _pass_on(self) -> None:
        for led in list(self._events.values()):
            if led.holder is not None and led.taking is None and not led.passing:
                led.passing = True
                await led.holder.stop()

    async def _end_later(self, event: bytes, led: Led) -> None:
        """Another stage has begun: end, but not before the relays hear it."""
        await asyncio.sleep(PASSING)
        if self._events.get(event) is led:
            self._deposed(event)

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    def _deposed(self, event: bytes) -> None:
        led = self._events.pop(event)
        if led.taking is not None:
            led.taking.cancel()
        self._turn_away(event)
        self._end_publisher(event)
        self._stage.end_event(event)

    def _turn_away(self, event: bytes) -> None:
        self._turned_away[event] = clock.monotonic()
        if self.children is not None:
            self.children.serve(event, Standing.NOT_STAGE, epoch=self._epochs.highest(event), stage=bytes(8))

    async def _let_go(self, event: bytes) -> None:
        led = self._events.pop(event, None)
        if led is None:
            return
        if led.taking is not None:
            led.taking.cancel()
        if self.children is not None:
            self.children.withdraw(event)
        if led.holder is not None:
            await led.holder.stop()

    async def _look_forever(self) -> None:
        while True:
            await sleep_to_round(LOOK_EVERY)
            now = clock.monotonic()
            for event, led in list(self._events.items()):
                if self._events.get(event) is led:  # it may be over since we looked at another
                    await self._look(event, led, now)
            for event in [event for event, at in self._turned_away.items() if now - at > IDLE]:
                del self._turned_away[event]
                if event not in self._events and self.children is not None:
                    self.children.withdraw(event)

    async def _look(self, event: bytes, led: Led, now: float) -> None:
        if self._views.is_over(event):  # whoever ended it did not reach us
            self._end_publisher(event)
            await self.end_event(event)
            return
        fed = self.children is not None and self.children.count(event) > 0
        if led.source is not None or fed:
            led.used_at = now
        if led.holder is not None:
            await self._make_sure(event, led, led.holder)
            if self._events.get(event) is not led:
                return
        if led.source is not None:
            self._take(event, led)
        if led.holder is not None and fed:
            self._stage.subscribe(event, now=now)
        if led.taking is None and now - led.used_at > IDLE:
            await self._let_go(event)

    async def _make_sure(self, event: bytes, led: Led, holder: LeaseHolder) -> None:
        """Be overtaken by any higher epoch, whoever told us of it. Whom no lease protects may have missed the
        word of the stage that replaced it: it looks what the store gave out, and tells the other stages
        that it leads, of whom one that knows better answers."""
        if not holder.is_sure:
            self._epochs.see(event, await self._claims.highest(event))
        highest = self._epochs.highest(event)
        if highest > holder.lease.epoch:
            self.overtaken(event, highest)
        elif not holder.is_sure and self._events.get(event) is led:
            for address in self._views.stages():
                self._mesh.tell(self._stage_is(event, led.epoch), address)

    def _stage_is(self, event: bytes, epoch: int) -> StageIs:
        return StageIs(event, epoch, self._mesh.node, self._link)
