"""The event API: create, look at, follow, end."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import msgspec
from aiohttp import hdrs, web

from stentor.cluster.event_record import EventRecord
from stentor.core.event_links import listener_link, studio_link, whep_url, whip_url
from stentor.core.ids import event_id_from, event_key
from stentor.gateway.audience import AudienceCache
from stentor.gateway.bearer import key_hash, require_bearer
from stentor.gateway.bodies import read_body
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.event_body import EventBodyError, NewEvent, parse_new_event
from stentor.gateway.event_lookup import find_event
from stentor.gateway.iso_time import format_optional, format_time
from stentor.gateway.origin import base_url
from stentor.gateway.problems import ProblemError
from stentor.gateway.room import is_full
from stentor.gateway.status_body import line_members
from stentor.gateway.status_desk import StatusDesk

HOST_KEY_BYTES = 24  # 192 bits, 32 characters


class EventsApi:
    """`/api/events`."""

    def __init__(self, deps: GatewayDeps, audience: AudienceCache, status: StatusDesk) -> None:
        self._deps = deps
        self._audience = audience
        self._status = status

    async def create(self, request: web.Request) -> web.Response:
        """201 with the id, the key and every link. The key is shown this once."""
        deps = self._deps
        base = base_url(request, deps.settings)
        wanted = await self._wanted(request)
        host_key = base64.urlsafe_b64encode(deps.random_bytes(HOST_KEY_BYTES)).decode()
        record = EventRecord(
            id=event_id_from(deps.random_bytes(8)),
            title=wanted.title,
            starts_at=wanted.starts_at,
            created_at=deps.clock.wall(),
            host_key_hash=key_hash(host_key),
        )
        await deps.book.create(record)
        links = {
            "id": record.id,
            "host_key": host_key,
            "host_url": studio_link(base, record.id, host_key),
            "listen_url": listener_link(base, record.id),
            "whip_url": whip_url(base, record.id),
            "whep_url": whep_url(base, record.id),
        }
        return _json(links, status=201, headers={hdrs.LOCATION: f"{base}/api/events/{record.id}"})

    async def get(self, request: web.Request) -> web.Response:
        """200 with what anybody may know of the event."""
        return await self._record_response(request, await find_event(self._deps, request))

    async def end(self, request: web.Request) -> web.Response:
        """200 with the ended event; every session is closed. Doing it twice is no mistake."""
        deps = self._deps
        record = await find_event(deps, request)
        require_bearer(request, record.host_key_hash)
        ended = await deps.book.end(record.id, now=deps.clock.wall())
        await deps.control.end_event(record.id)
        return await self._record_response(request, record if ended is None else ended)

    async def status(self, request: web.Request) -> web.Response:
        """200 with the body that is the same for everybody and may be cached for a second.

        Most are answered before they come here: see `connection` and `ready_bytes`.
        """
        body = await self._status.body(await find_event(self._deps, request))
        headers = {hdrs.CACHE_CONTROL: "public, max-age=1"}
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def _wanted(self, request: web.Request) -> NewEvent:
        seconds = self._deps.settings.body_timeout
        body = await read_body(
            request, "application/json", seconds=seconds, accept={"Accept-Post": "application/json"}
        )
        try:
            return parse_new_event(body)
        except EventBodyError as error:
            slug = "malformed-json" if error.status == 400 else "invalid-event"
            raise ProblemError(slug, error.detail) from error

    async def _record_response(self, request: web.Request, record: EventRecord) -> web.Response:
        audience = await self._audience.of(record.id)
        fields = {
            "id": record.id,
            "title": record.title,
            "starts_at": format_optional(record.starts_at),
            "phase": record.phase,
            "live_since": format_optional(record.live_since),
            "ended_at": format_optional(record.ended_at),
            "listeners": audience.listeners,
            "host": audience.host,
            **self._line_members(record),
            "now": format_time(self._deps.clock.wall()),
            "listen_url": listener_link(base_url(request, self._deps.settings), record.id),
        }
        return _json(fields)

    def _line_members(self, record: EventRecord) -> dict[str, object]:
        """What the host is told of those who are not in yet."""
        deps, now = self._deps, self._deps.clock.monotonic()
        members = line_members(deps.desk.line(event_key(record.id)), now)
        told = {name: members[name] for name in ("waiting", "joining", "rate")}
        return {**told, "full": is_full(deps.shards.totals(now))}


def _json(
    fields: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(fields),
        content_type="application/json",
        headers={hdrs.CACHE_CONTROL: "no-store", **(headers or {})},
    )
