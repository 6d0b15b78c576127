"""The built web client: static files, so that a cache in front serves a rush without us."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from stentor.gateway.deps import GatewayDeps
from stentor.gateway.problems import ProblemError

_ICONS = r"favicon\.ico|favicon\.svg|apple-touch-icon\.png|manifest\.webmanifest|robots\.txt"

_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def _page_headers(*, microphone: bool) -> dict[str, str]:
    allowed = "(self)" if microphone else "()"
    return {
        "Cache-Control": "public, max-age=60",  # seconds: names of assets change with every build
        "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": f"microphone={allowed}, camera=(), geolocation=()",
        "Referrer-Policy": "no-referrer",
    }


class Pages:
    """Three pages and their assets. A page is the same for every event: the script reads the address."""

    def __init__(self, deps: GatewayDeps) -> None:
        self._directory = deps.static_dir

    async def landing(self, _request: web.Request) -> web.StreamResponse:
        """`/`."""
        return self._file("index.html", _page_headers(microphone=False))

    async def listener(self, _request: web.Request) -> web.StreamResponse:
        """`/e/{event}`, also for an event that does not exist: the page itself says so, in any language."""
        return self._file("listen.html", _page_headers(microphone=False))

    async def studio(self, _request: web.Request) -> web.StreamResponse:
        """`/studio/{event}`. The host key is in the fragment of the address, which never reaches a server."""
        return self._file("studio.html", _page_headers(microphone=True))

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """`/assets/{name}`: names carry a hash of the content."""
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return self._file(f"assets/{request.match_info['name']}", headers)

    async def icon(self, request: web.Request) -> web.StreamResponse:
        """Files that browsers look for at the root."""
        return self._file(request.match_info["icon"], {"Cache-Control": "public, max-age=3600"})

    def routes(self) -> list[web.RouteDef]:
        """All paths of this class."""
        return [
            web.get("/", self.landing),
            web.get("/e/{event}", self.listener),
            web.get("/studio/{event}", self.studio),
            # one path segment that does not begin with a dot: no way up
            web.get(r"/assets/{name:[A-Za-z0-9_-][A-Za-z0-9._-]*}", self.asset),
            web.get(f"/{{icon:{_ICONS}}}", self.icon),
        ]

    def _file(self, name: str, headers: Mapping[str, str]) -> web.StreamResponse:
        path = None if self._directory is None else self._directory / name
        if path is not None and path.is_file():
            return web.FileResponse(path, headers=headers)
        if name.endswith(".html"):
            raise ProblemError("pages-not-built", "Run `make setup` and start again.")
        raise ProblemError("not-found", "No file has this name.")
