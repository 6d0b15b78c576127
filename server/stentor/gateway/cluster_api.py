"""`GET /api/cluster`: seats, joins and lines of the whole cluster, in numbers that give nobody away."""

from __future__ import annotations

import msgspec
from aiohttp import hdrs, web

from stentor.gateway.bearer import has_bearer, key_hash
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.event_line import EventLine
from stentor.gateway.iso_time import format_time
from stentor.gateway.shard_totals import ShardTotals


class ClusterApi:
    """Numbers for everybody; which event a line belongs to only for the operator: links may be private."""

    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps
        self._token_hash = key_hash(deps.secrets.admin_token)

    async def get(self, request: web.Request) -> web.Response:
        """200 `{now, shards, gateways, lines}`. With the admin token as Bearer, lines name their event."""
        deps, now = self._deps, self._deps.clock.monotonic()
        is_operator = has_bearer(request, self._token_hash)
        body = {
            "now": format_time(deps.clock.wall()),
            **_shards(deps.shards.totals(now)),
            "gateways": [{"node": node} for node in deps.gateways()],
            "leading": deps.link.is_leading(),
            "lines": [self._line(line, now, is_operator=is_operator) for line in deps.desk.lines()],
        }
        return web.Response(
            body=msgspec.json.encode(body),
            content_type="application/json",
            headers={hdrs.CACHE_CONTROL: "no-store"},
        )

    def _line(self, line: EventLine, now: float, *, is_operator: bool) -> dict[str, object]:
        fields: dict[str, object] = {
            "is_open": line.is_open,
            "called": line.called,
            "waiting": line.waiting,
            "joining": line.present,
            "rate": round(line.rate(now), 1),
        }
        if is_operator:
            fields["event"] = self._deps.book.id_of_key(line.event)
        return fields


def _shards(totals: ShardTotals) -> dict[str, object]:
    return {
        "listeners": totals.listeners,
        "seats": totals.seats_total,
        "offered": totals.seats_offered,
        "free": totals.seats_free,
        "credits": totals.credits,
        "shards": totals.shards,
    }
