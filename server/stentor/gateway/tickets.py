"""The tickets and resume tokens of this cluster: made, sealed and checked here, remembered nowhere."""

from __future__ import annotations

from stentor.cluster.event_record import EventRecord
from stentor.core.admission.laws import Laws
from stentor.core.admission.resume import ResumeError, ResumeToken, open_resume, seal_resume
from stentor.core.admission.ticket import Ticket, TicketError, open_ticket, seal_ticket
from stentor.core.ids import TICKET_BYTES, event_key
from stentor.gateway.deps import GatewayDeps

_EVERYBODY = 0  # the lane without privileges


class TicketOffice:
    """Times are ms of the admission leader's clock: ours, corrected by what the leader told."""

    def __init__(self, deps: GatewayDeps) -> None:
        self._secrets = deps.secrets
        self._random = deps.random_bytes
        self._clock = deps.clock
        self._source = deps.status
        self._laws: Laws = deps.desk.laws

    def now_ms(self) -> int:
        """The time that tickets are dated in."""
        return round(self._clock.wall() * 1000) + self._source.leader_offset_ms

    def new(self, record: EventRecord) -> Ticket:
        """A ticket for somebody who comes now."""
        return Ticket(
            event=event_key(record.id),
            epoch=record.epoch,
            ticket_id=self._random(TICKET_BYTES),
            arrival_ms=self.now_ms(),
            lane=_EVERYBODY,
            key_id=self._secrets.ticket_key_id,
        )

    def brought(self, record: EventRecord, text: str) -> Ticket | None:
        """The ticket that a client brought; None when it is not ours, or not for this event and line."""
        secrets = self._secrets
        try:
            ticket = open_ticket(text, secrets.ticket_secret, key_id=secrets.ticket_key_id)
        except TicketError:
            return None
        belongs = ticket.event == event_key(record.id) and ticket.epoch == record.epoch
        return ticket if belongs else None

    def seal(self, ticket: Ticket) -> str:
        """As its holder gets it."""
        return seal_ticket(ticket, self._secrets.ticket_secret)

    def resume_for(self, ticket: Ticket) -> str:
        """What brings the holder of a seat back past the line, for `resume-time` seconds."""
        token = ResumeToken(ticket.event, ticket.ticket_id, self.now_ms(), self._secrets.ticket_key_id)
        return seal_resume(token, self._secrets.ticket_secret)

    def may_resume(self, ticket: Ticket, text: str) -> bool:
        """Whether this token was given to the holder of this ticket, not too long ago."""
        secrets = self._secrets
        try:
            token = open_resume(text, secrets.ticket_secret, key_id=secrets.ticket_key_id)
        except ResumeError:
            return False
        if (token.event, token.ticket_id) != (ticket.event, ticket.ticket_id):
            return False
        return not token.is_expired(self.now_ms(), seconds=self._laws.resume_time)
