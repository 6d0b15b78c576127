"""Administration: drain."""

from __future__ import annotations

import logging

from aiohttp import web

from stentor.gateway.bearer import key_hash, require_bearer
from stentor.gateway.deps import GatewayDeps

_log = logging.getLogger(__name__)


class AdminApi:
    """For operators and their scripts."""

    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps
        self._token_hash = key_hash(deps.secrets.admin_token)

    async def drain(self, request: web.Request) -> web.Response:
        """202: nobody new is taken from now on, who is connected stays. Bearer: the admin token."""
        require_bearer(request, self._token_hash)
        _log.warning("draining: nobody new is taken")
        self._deps.drain.turn_on()
        return web.json_response({"state": "draining"}, status=202)
