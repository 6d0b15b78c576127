"""Administration: drain, and packets of another length."""

from __future__ import annotations

import logging
from typing import Literal

import msgspec
from aiohttp import web

from stentor.gateway.bearer import key_hash, require_bearer
from stentor.gateway.bodies import read_body
from stentor.gateway.deps import GatewayDeps
from stentor.gateway.problems import ProblemError

_log = logging.getLogger(__name__)


class _Ptime(msgspec.Struct, forbid_unknown_fields=True):
    """`{ms, hold?}` or `{ptime: "auto"}`."""

    ms: Literal[20, 40, 60, 120] | msgspec.UnsetType = msgspec.UNSET
    hold: bool | msgspec.UnsetType = msgspec.UNSET
    ptime: Literal["auto"] | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if (self.ms is msgspec.UNSET) == (self.ptime is msgspec.UNSET):
            raise ValueError("Exactly one of `ms` and `ptime` is wanted")
        if self.ms is msgspec.UNSET and self.hold is not msgspec.UNSET:
            raise ValueError("`hold` goes with `ms`")


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

    async def ptime(self, request: web.Request) -> web.Response:
        """200: packets to listeners carry `ms` of audio from now on, or what the load asks for again
        (`ptime` "auto"). Bearer: the admin token. ProblemError 422 for anything else."""
        require_bearer(request, self._token_hash)
        body = await read_body(request, "application/json", seconds=self._deps.settings.body_timeout)
        try:
            wanted = msgspec.json.decode(body, type=_Ptime)
        except msgspec.ValidationError as error:
            raise ProblemError("invalid-ptime", f"{error}.") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProblemError("malformed-json", "The body is not JSON.") from error
        if wanted.ms is msgspec.UNSET:
            await self._deps.control.set_ptime(None, hold=False)
            return web.json_response({"ptime": "auto"})
        hold = wanted.hold is True
        await self._deps.control.set_ptime(wanted.ms, hold=hold)
        return web.json_response({"ms": wanted.ms, "hold": hold})
