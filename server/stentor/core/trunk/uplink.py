"""The child's end of the trunk: from whom this node hears an event, and how it finds another.

    asking ------ack------> confirmed --first packet--> in use --silence, refusal, higher epoch--> asking
      |                        |                          |                                       another
      +---refused or too late--+--> next candidate        +-- stays until the other one flows

There are at most two subscriptions (`Link`) at a time: the one in use and one on trial, which takes its
place with its first packet (make before break). Who is tried, and in which order, says `RelayTree`. When
every candidate has failed there is a pause that grows to `MAX_PAUSE`, so that a dead stage is not flooded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from stentor.core.mesh.messages import SubscribeAck
from stentor.core.topology.relay_tree import RelayTree, TreeNode
from stentor.core.trunk.epochs import Epochs
from stentor.core.trunk.link import LINK_RANDOM_BYTES, REFRESH, REPEAT, Link
from stentor.core.trunk.notices import InstallUplink, RemoveUplink, UplinkOutput
from stentor.core.trunk.place import Place
from stentor.core.trunk.subscribers import Standing

FIRST_PAUSE = 0.1  # seconds after the first round in which nobody fed us
MAX_PAUSE = 1.0  # seconds: a stage that is back is found well within 2
TAKEOVER_LEAD = 0.2  # seconds a leaf leaves its parent to reach a new stage before it looks for another...
TAKEOVER_SPREAD = 0.4  # ...and up to so many more, so that not all of them look at once

_EARLY = 0.02  # seconds a Subscribe may be repeated too soon, lest it wait for the look after this one
_NEVER = float("inf")


class Uplink:
    """One event's uplink. `now` is in monotonic seconds and never decreases; outputs are acted on in order.

    Call `poll` at `next_due()` or soon after, once a second in any case (a parent that feeds us waits that
    long for our next Subscribe), and when the parent falls silent. Before it `on_packet_time`, with what the
    media core says.
    """

    def __init__(
        self,
        event: bytes,
        node: bytes,
        secret: bytes,
        tree: RelayTree,
        epochs: Epochs,
        *,
        stream_port: int,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        """`event`, `node`: 8 bytes each, the latter our id. `secret`: of the cluster. `stream_port`: UDP port
        of ours to which parents send. `random_bytes(n)`: n bytes nobody can guess."""
        self._event = event
        self._node = node
        self._secret = secret
        self._epochs = epochs
        self._port = stream_port
        self._random_bytes = random_bytes
        self._place = Place(event, node, tree, self._jitter)
        self._stage: TreeNode | None = None
        self._stage_epoch = 0
        self._current: Link | None = None
        self._trial: Link | None = None
        self._queue: list[TreeNode] = []  # whom to try after `_trial`
        self._failed_rounds = 0
        self._look_at = _NEVER  # when to look for a parent, should one be needed then

    # -- what others ask ----------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """Of the stream in use, 0 before the first."""
        return 0 if self._current is None else self._current.epoch

    @property
    def stage(self) -> bytes:
        """Node id of the stage whose stream is in use, 8 zero bytes before the first."""
        return bytes(8) if self._current is None else self._current.stage

    @property
    def parent(self) -> bytes | None:
        """Node id of who feeds us, or did last."""
        return None if self._current is None else self._current.parent.node

    @property
    def knows_stage(self) -> bool:
        """Whether anybody has said who the stage is."""
        return self._stage is not None

    def is_seeking(self, now: float) -> bool:
        """Whether nobody feeds us, or only until we find another, or only a stage that is deposed: a good
        time to ask around who the stage is."""
        return self._needs_parent(now)

    @property
    def is_trying(self) -> bool:
        """Whether a parent is on trial: its first packet decides."""
        return self._trial is not None

    @property
    def ssrcs(self) -> tuple[int, ...]:
        """The streams installed now: ask the media core for the time of their last packets."""
        links = (self._current, self._trial)
        return tuple(link.ssrc for link in links if link is not None and link.nonce_p)

    def standing(self, now: float) -> Standing:
        """What `Subscribers.serve` is to be told: OUTER, WARMING or INNER."""
        trial, current = self._trial, self._current
        if trial is not None and not trial.direct:
            return Standing.OUTER  # from the first word to another relay on, see `subscribers`
        if current is None:
            return Standing.WARMING if trial or self._place.is_below_stage else Standing.OUTER
        if not current.direct:
            return Standing.OUTER
        return Standing.INNER if self._is_healthy(current, now) else Standing.WARMING

    def is_inner(self, now: float) -> bool:
        """Whether children may be accepted: the stage itself feeds us, and no other relay is being asked."""
        return self.standing(now) is Standing.INNER

    def next_due(self) -> float:
        """When to call `poll` at the latest, unless something is received before; may lie in the past. That
        a parent that fed us is silent has to be said: call `poll` then."""
        trial, current = self._trial, self._current
        due = []
        if trial is not None:
            due += [trial.next_send, trial.deadline]
        elif self._look_at < _NEVER:
            due.append(self._look_at)
        elif current is not None and current.last_packet is not None:
            due.append(self._place.move_at)
        return min(due, default=_NEVER)

    # -- what happens -------------------------------------------------------------------------------------

    def start(self, now: float) -> list[UplinkOutput]:
        """Begin to look for a parent."""
        self._look_at = now
        return self.poll(now)

    def stop(self, now: float) -> list[UplinkOutput]:
        """Nobody listens here any more."""
        outputs: list[UplinkOutput] = [*self._drop(self._trial), *self._drop(self._current)]
        self._trial = self._current = None
        self._queue.clear()
        self._look_at = _NEVER
        self._place.leave()
        return outputs

    def on_stage(self, epoch: int, stage: TreeNode, now: float) -> list[UplinkOutput]:
        """Somebody said who the stage is. One of a lower epoch is not heard."""
        if not self._epochs.admits(self._event, epoch):
            return []
        self._epochs.see(self._event, epoch)
        if self._stage == stage and self._stage_epoch == epoch:
            return []
        if self._stage_epoch == epoch and not self._needs_parent(now):
            return []  # two of one epoch, which no lease gives out: the one that feeds us stays
        self._stage, self._stage_epoch = stage, epoch
        self._failed_rounds = 0
        outputs: list[UplinkOutput] = []
        trial = self._trial
        if trial is not None and (trial.direct or trial.epoch < epoch) and trial.parent != stage:
            outputs += self._drop(trial)
            self._trial = None
            self._queue.clear()
        if self._trial is None and self._needs_parent(now):
            spared = self._current is not None and not self._current.direct
            self._look_at = now + (TAKEOVER_LEAD + self._jitter(TAKEOVER_SPREAD) if spared else 0.0)
        return outputs + self.poll(now)

    def on_directory(self, now: float) -> list[UplinkOutput]:
        """The tree's copy of the directory has changed: perhaps our place has, too."""
        self._place.settled(self._current, now)
        return self.poll(now)

    def on_ack(self, ack: SubscribeAck, sender: bytes, now: float) -> list[UplinkOutput]:
        """Take one SubscribeAck. `sender`: of its envelope. What is not an answer to us has no effect."""
        link = next((link for link in (self._trial, self._current) if _is_answer(link, ack, sender)), None)
        if link is None:
            return []
        refused = bool(ack.refused) or not self._epochs.admits(self._event, ack.epoch)
        self._epochs.see(self._event, ack.epoch)
        if link is self._trial:
            return self._trial_failed(now) if refused else self._trial_answered(link, ack, now)
        link.unwanted = refused
        if self._trial is None and refused:
            return self._look(now)
        if self._trial is None and (ack.epoch != link.epoch or ack.nonce_p != link.nonce_p):
            # Its stream is of another epoch now, or it has forgotten us: the same parent, with new keys.
            link.unwanted = True
            return self._try([link.parent, *self._others()], now)
        return []

    def on_packet_time(self, ssrc: int, at: float | None, now: float) -> list[UplinkOutput]:
        """When the last packet of a stream came, as the media core says; None: none did."""
        if at is None:
            return []
        current, trial = self._current, self._trial
        if current is not None and current.ssrc == ssrc:
            current.last_packet = at
            if trial is not None and trial.for_silence and self._is_healthy(current, now):
                return self._end_round()
            return []
        if trial is None or trial.ssrc != ssrc:
            return []
        trial.last_packet = at
        self._trial = None  # so that it is not dropped with its round
        outputs = [*self._end_round(), *self._drop(current)]
        self._current = trial
        trial.next_send = now + REFRESH
        self._place.settled(trial, now)
        return outputs

    def poll(self, now: float) -> list[UplinkOutput]:
        """Whatever is due."""
        outputs: list[UplinkOutput] = []
        trial, current = self._trial, self._current
        if trial is not None and now >= trial.deadline:
            outputs += self._trial_failed(now)
        elif trial is not None and now >= trial.next_send:
            outputs.append(self._say(trial, now + REPEAT))
        if current is not None and now >= current.next_send - _EARLY:
            outputs.append(self._say(current, now + REFRESH))
        if self._trial is None:
            if self._needs_parent(now):
                outputs += self._look(now)
            else:
                self._look_at = _NEVER
                outputs += self._move(now) if now >= self._place.move_at else []
        return outputs

    # -- inside -------------------------------------------------------------------------------------------

    def _is_healthy(self, link: Link, now: float) -> bool:
        fenced = not self._epochs.admits(self._event, link.epoch)
        return not (fenced or link.unwanted or link.is_silent(now))

    def _needs_parent(self, now: float) -> bool:
        return self._current is None or not self._is_healthy(self._current, now)

    def _others(self) -> list[TreeNode]:
        """The candidates, whoever feeds us now last."""
        feeding = self.parent
        return sorted(self._place.candidates(self._stage), key=lambda candidate: candidate.node == feeding)

    def _look(self, now: float) -> list[UplinkOutput]:
        """Begin a round through all candidates, unless a pause is on."""
        if self._look_at == _NEVER:
            self._look_at = now
        return self._try(self._others(), now) if now >= self._look_at else []

    def _move(self, now: float) -> list[UplinkOutput]:
        """Try for the place where we belong; what we have is kept if that fails."""
        self._place.leave()
        return self._try(self._place.targets(self._stage, self.parent), now)

    def _try(self, candidates: Iterable[TreeNode], now: float) -> list[UplinkOutput]:
        self._queue = list(candidates)
        return self._try_next(now)

    def _try_next(self, now: float) -> list[UplinkOutput]:
        if not self._queue:
            self._round_failed(now)
            return []
        parent = self._queue.pop(0)
        current = self._current
        silent_only = current is not None and not current.unwanted and current.is_silent(now)
        fenced = current is not None and not self._epochs.admits(self._event, current.epoch)
        direct = self._stage is not None and parent.node == self._stage.node
        random = self._random_bytes(LINK_RANDOM_BYTES)
        self._trial = Link.to(parent, random, direct=direct, for_silence=silent_only and not fenced, now=now)
        return [self._say(self._trial, now + REPEAT)]

    def _round_failed(self, now: float) -> None:
        if self._needs_parent(now):
            pause = min(MAX_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failed_rounds, 10))
            self._failed_rounds += 1
            self._look_at = now + pause / 2 + self._jitter(pause / 2)
        else:
            self._look_at = _NEVER
            self._place.stayed(self._current, now)

    def _trial_failed(self, now: float) -> list[UplinkOutput]:
        outputs = self._drop(self._trial)
        self._trial = None
        return outputs + self._try_next(now)

    def _trial_answered(self, link: Link, ack: SubscribeAck, now: float) -> list[UplinkOutput]:
        if link.nonce_p:
            if (ack.nonce_p, ack.epoch) == (link.nonce_p, link.epoch):
                return []
            # It has forgotten what it said, or has another epoch by now: once more from the start.
            self._queue.insert(0, link.parent)
            return self._trial_failed(now)
        if not ack.nonce_p:
            return []
        current = self._current
        if current is not None and ack.epoch == current.epoch and ack.stage != current.stage:
            # Two stages of one epoch, as a store gives out that has lost its data. Their numbers do not fit
            # together, so neither may have this epoch any more: it hears of a higher one from us.
            self._epochs.see(self._event, ack.epoch + 1)
            return self._trial_failed(now)
        link.answered(ack, now)
        keys = link.keys(self._secret, event=self._event, child=self._node)
        rebase = self._current is not None and self._current.epoch != link.epoch
        install = InstallUplink(self._event, keys, link.ssrc, link.epoch, rebase, link.parent.node)
        return [install, self._say(link, now + REPEAT)]

    def _end_round(self) -> list[UplinkOutput]:
        """Somebody feeds us: nobody else need be asked."""
        outputs = self._drop(self._trial)
        self._trial = None
        self._queue.clear()
        self._failed_rounds = 0
        self._look_at = _NEVER
        return outputs

    def _drop(self, link: Link | None) -> list[UplinkOutput]:
        """Undo what a link has at the media core and at its parent."""
        if link is None or not link.nonce_p:
            return []
        return [RemoveUplink(self._event, link.ssrc), link.unsubscribe(self._event)]

    def _say(self, link: Link, next_send: float) -> UplinkOutput:
        link.next_send = next_send
        return link.subscribe(
            self._event,
            self._node,
            port=self._port,
            highest_epoch=self._epochs.highest(self._event),
            level=self._place.level,
        )

    def _jitter(self, spread: float) -> float:
        return spread * int.from_bytes(self._random_bytes(2), "big") / 65536


def _is_answer(link: Link | None, ack: SubscribeAck, sender: bytes) -> bool:
    return link is not None and link.nonce_c == ack.nonce_c and link.parent.node == sender
