"""The results service's addresses and answers."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app import pages
from app.addresses import STATION_DEPTH, Address, Kind, read_address
from app.check import altered
from app.layout import RegionPath
from app.pack import DamagedError
from app.rendering import Renderer
from app.snapshot import COMPLETE, NotFoundError, NotReadyError, Snapshot

CACHE = "public, max-age=10, stale-while-revalidate=50, stale-if-error=86400"
"""Fresh for ten seconds, and shown for fifty more while a cache asks again: nobody sees an older one as long as hosts
answer. While none does, older ones go on being shown."""

NEGATIVE = {"Cache-Control": "public, max-age=10"}
"""Of what may come to be, as briefly as an answer: who asks again without a pause is not to reach the hosts."""

NOT_CACHED = {"Cache-Control": "no-store"}

OPEN_DATA = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
"""Of all that is JSON: any page of anybody's may read it, and nobody takes it for anything else."""

JSON_TYPE = "application/json"

ROBOTS = "User-agent: *\nAllow: /\n"
"""Reading is welcome: some of the public's clients obey this file."""


@dataclass(frozen=True)
class ServiceSettings:
    """Where the service runs and what it serves.

    Args:
        host: The host's name, for /version.
        location: The location's name, for /version.
        release_dir: The running release's directory, or the link to it.
        snapshot_dir: The link to the current snapshot.
        altered_mark: What `app.check` found wrong with it; there only while something is.
        tick_minutes: How many minutes after a publication the next one is due; None where nobody has said so, and
            then the pages say nothing of it.
    """

    host: str
    location: str
    release_dir: Path
    snapshot_dir: Path
    altered_mark: Path
    tick_minutes: int | None = None


class Service:
    """Answers from the current snapshot; the release is the one that the process was started with."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._release_dir = settings.release_dir.resolve()
        self.release = _read_release(self._release_dir)
        self._renderer = Renderer(self.release, settings.tick_minutes)

    def application(self) -> Starlette:
        """The ASGI application."""
        handlers = {
            HTTPException: self._on_http_error,
            NotFoundError: self._on_not_found,
            NotReadyError: self._on_not_ready,
            DamagedError: self._on_not_ready,
            Exception: self._on_error,
        }
        routes = [Route("/{path:path}", self.answer)]
        application = Starlette(routes=routes, exception_handlers=handlers)  # pyright: ignore[reportArgumentType]
        # A redirect would name the host that was asked, and the CDN's origin has a name that nobody is to know.
        application.router.redirect_slashes = False
        return application

    def answer(self, request: Request) -> Response:
        """Answer what is an address of the site; nothing else of a request is read than `If-None-Match`."""
        address = read_address(request.scope["path"])
        match address:
            case None:
                raise NotFoundError
            case Address(Kind.HEALTH):
                return self._health()
            case Address(Kind.RELEASE):
                return self._version()
            case Address(Kind.ROBOTS):
                return PlainTextResponse(ROBOTS, headers={"Cache-Control": CACHE})
            case Address(Kind.PAGE):
                html = self._page(address.region)
                return _cached(request, html, "text/html", self._renderer.security_headers)
            case _:
                return _cached(request, self._data(request.scope["path"]), JSON_TYPE, OPEN_DATA)

    def _page(self, region: RegionPath) -> bytes:
        """A page of the nation, a region or a polling station."""
        snapshot = self._snapshot()
        if len(region) == STATION_DEPTH:
            return self._renderer.render("station", pages.station_page(snapshot, region))
        if len(region) == pages.KELURAHAN_DEPTH:
            return self._renderer.render("kelurahan", pages.kelurahan_page(snapshot, region))
        return self._renderer.render("region", pages.region_page(snapshot, region))

    def _data(self, path: str) -> bytes:
        """A document of the layout; on a host, nginx answers those that exist."""
        body = self._snapshot().document(path)
        if body is None:
            raise NotFoundError(path)
        return body

    def _health(self) -> Response:
        """Ready when the release and the snapshot are both usable."""
        if not (self._release_dir / COMPLETE).exists():
            return _json({"status": "release is not complete"}, 503)
        try:
            snapshot = Snapshot(self._settings.snapshot_dir)  # anew: what was opened may be gone since
        except NotReadyError as error:
            return _json({"status": str(error)}, 503)
        if found := altered(self._settings.altered_mark, snapshot.name):
            return _json({"status": f"altered results: {found}"}, 503)
        return _json({"status": "ready", "release": self.release, "snapshot": snapshot.name}, 200)

    def _version(self) -> Response:
        """What answers here: release, snapshot, host, location."""
        try:
            snapshot = self._snapshot().name
        except NotReadyError:
            snapshot = None
        place = {"host": self._settings.host, "location": self._settings.location}
        return _json({"release": self.release, "snapshot": snapshot, **place}, 200)

    def _snapshot(self) -> Snapshot:
        return _open_snapshot(self._settings.snapshot_dir.resolve())

    def _on_http_error(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        answer = self._error_page(request, status)
        if isinstance(error, HTTPException):
            answer.headers.update(error.headers or {})
        return answer

    def _on_not_found(self, request: Request, _: Exception) -> Response:
        return self._error_page(request, 404)

    def _on_not_ready(self, request: Request, _: Exception) -> Response:
        return self._error_page(request, 503)

    def _on_error(self, request: Request, _: Exception) -> Response:
        return self._error_page(request, 500)

    def _error_page(self, request: Request, status: int) -> Response:
        # Not `request.url`: that is made of the Host header too, and there are hosts that it takes for no address.
        path = request.scope["path"]
        if path.startswith("/static/"):
            headers = NEGATIVE if status == HTTPStatus.NOT_FOUND and read_address(path) else NOT_CACHED
            return _json({"error": status}, status, headers)
        html = self._renderer.render_error(status)
        return Response(html, status, NOT_CACHED | self._renderer.security_headers, "text/html")


@lru_cache(maxsize=2)
def _open_snapshot(directory: Path) -> Snapshot:
    """A snapshot, opened once: it never changes."""
    return Snapshot(directory)


def _read_release(directory: Path) -> str:
    document = cast("dict[str, object]", json.loads((directory / "release.json").read_bytes()))
    return str(document["release"])


def _json(document: object, status: int, headers: Mapping[str, str] = NOT_CACHED) -> Response:
    return JSONResponse(document, status, {**headers, **OPEN_DATA})


def _cached(request: Request, body: bytes, media_type: str, headers: dict[str, str] | None = None) -> Response:
    tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": CACHE, **(headers or {})}
    if tag in request.headers.get("If-None-Match", ""):
        return Response(None, 304, headers)
    return Response(body, 200, headers, media_type)
