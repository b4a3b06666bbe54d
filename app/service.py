"""The results service's addresses and answers."""

import contextlib
import gzip
import hashlib
import json
import re
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
from app.snapshot import COMPLETE, NotFoundError, NotReadyError, Snapshot, mark, target_of

CACHE = "public, max-age=10, stale-while-revalidate=50, stale-if-error=86400"
"""Fresh for ten seconds, and shown for fifty more while a cache asks again: nobody sees an older one as long as hosts
answer. While none does, older ones go on being shown."""

NEGATIVE = {"Cache-Control": "public, max-age=10"}
"""Of what may come to be, as briefly as an answer: who asks again without a pause is not to reach the hosts."""

NOT_CACHED = {"Cache-Control": "no-store"}

OPEN_DATA = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
"""Of all that is JSON: any page of anybody's may read it, and nobody takes it for anything else."""

CURRENT, KEEP = "Tegak-Current", "Tegak-Keep"
"""What the host's nginx says is current, and for how many seconds it may keep an answer that was made of just that."""

SNAPSHOT_NAME = re.compile(r"[0-9]+T[0-9]+Z-[0-9a-f]+")

KEEP_SECONDS, KEEP_NEGATIVE_SECONDS = 86400, 10
GZIP_LEVEL = 6

JSON_TYPE = "application/json"

DOCUMENTS = ("/static/", "/pemilu/", "/wilayah/")
"""Below these are documents of the layouts: who asks for one that isn't there is told so in JSON."""

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
    """

    host: str
    location: str
    release_dir: Path
    snapshot_dir: Path
    altered_mark: Path


class Service:
    """Answers from the current snapshot; the release is the one that the process was started with."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._release_dir = settings.release_dir.resolve()
        self.release = _read_release(self._release_dir)
        self._mark = mark(self._release_dir)
        self._renderer = Renderer(self.release)

    def warm_up(self) -> None:
        """Make a page, so that who asks first need not wait for what is only made once."""
        with contextlib.suppress(Exception):  # whatever is wrong is answered, and said, when somebody asks
            self._page(self._snapshot(), ())

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

    async def answer(self, request: Request) -> Response:
        """Answer what is an address of the site; nothing else of a request is read than the headers of `_cached`."""
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
                snapshot = self._asked(request)
                if address.election not in ("", snapshot.election.code):
                    raise NotFoundError
                html = self._page(snapshot, address.region)
                return self._cached(request, snapshot, html, "text/html", self._renderer.headers(snapshot.election))
            case _:
                return self._document(request, self._asked(request))

    def _page(self, snapshot: Snapshot, region: RegionPath) -> bytes:
        """A page of the nation, a region or a polling station."""
        if len(region) == STATION_DEPTH:
            return self._renderer.render("station", pages.station_page(snapshot, region))
        if len(region) == pages.KELURAHAN_DEPTH:
            return self._renderer.render("kelurahan", pages.kelurahan_page(snapshot, region))
        return self._renderer.render("region", pages.region_page(snapshot, region))

    def _document(self, request: Request, snapshot: Snapshot) -> Response:
        """A document of the layout; on a host, nginx answers those that exist."""
        body = snapshot.document(request.scope["path"])
        if body is not None:
            return self._cached(request, snapshot, body, JSON_TYPE, OPEN_DATA)
        answer = self._error_page(request, 404)
        if self._may_keep(request, snapshot):
            answer.headers[KEEP] = str(KEEP_NEGATIVE_SECONDS)
        return answer

    def _may_keep(self, request: Request, snapshot: Snapshot) -> bool:
        """Whether what nginx says is current is what answers: a switch may have come between its look and ours."""
        return request.headers.get(CURRENT) == f"{self._mark} {snapshot.mark}"

    def _cached(
        self, request: Request, snapshot: Snapshot, body: bytes, media_type: str, more: Mapping[str, str]
    ) -> Response:
        """An answer that may be held by whoever asks, or, if it is there already, a word that it is the same."""
        tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        headers = {"ETag": tag, "Cache-Control": CACHE, **more}
        if tag in request.headers.get("If-None-Match", ""):
            return Response(None, 304, headers)
        if self._may_keep(request, snapshot):
            headers[KEEP] = str(KEEP_SECONDS)
            if request.headers.get("Accept-Encoding") == "gzip":
                body = gzip.compress(body, GZIP_LEVEL, mtime=0)
                # The same page in another form: nginx says it in this way too of what it packs itself.
                headers |= {"ETag": f"W/{tag}", "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Response(body, 200, headers, media_type)

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
        """What answers here: release, snapshot, election, host, location."""
        try:
            snapshot = self._snapshot()
            shown = {"snapshot": snapshot.name, "election": snapshot.election.code}
        except NotReadyError:
            shown = {"snapshot": None, "election": None}
        place = {"host": self._settings.host, "location": self._settings.location}
        return _json({"release": self.release, **shown, **place}, 200)

    def _snapshot(self) -> Snapshot:
        directory = target_of(self._settings.snapshot_dir)
        return _open_snapshot(directory, mark(directory))

    def _asked(self, request: Request) -> Snapshot:
        """The snapshot that nginx has found for a request: an edge may ask for the one before. Else the current one."""
        name = request.headers.get(CURRENT, "").partition(" ")[2].partition("@")[0]
        directory = self._settings.snapshot_dir.parent / name
        if SNAPSHOT_NAME.fullmatch(name) and (found := mark(directory)):
            return _open_snapshot(directory, found)
        return self._snapshot()

    async def _on_http_error(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        answer = self._error_page(request, status)
        if isinstance(error, HTTPException):
            answer.headers.update(error.headers or {})
        return answer

    async def _on_not_found(self, request: Request, _: Exception) -> Response:
        return self._error_page(request, 404)

    async def _on_not_ready(self, request: Request, _: Exception) -> Response:
        return self._error_page(request, 503)

    async def _on_error(self, request: Request, _: Exception) -> Response:
        return self._error_page(request, 500)

    def _error_page(self, request: Request, status: int) -> Response:
        # Not `request.url`: that is made of the Host header too, and there are hosts that it takes for no address.
        path = request.scope["path"]
        if path.startswith(DOCUMENTS):
            headers = NEGATIVE if status == HTTPStatus.NOT_FOUND and read_address(path) else NOT_CACHED
            return _json({"error": status}, status, headers)
        html = self._renderer.render_error(status)
        return Response(html, status, NOT_CACHED | self._renderer.headers(), "text/html")


@lru_cache(maxsize=3)
def _open_snapshot(directory: Path, _: str | None) -> Snapshot:
    """A snapshot, opened once: it never changes. One that came anew has another mark."""
    return Snapshot(directory)


def _read_release(directory: Path) -> str:
    document = cast("dict[str, object]", json.loads((directory / "release.json").read_bytes()))
    return str(document["release"])


def _json(document: object, status: int, headers: Mapping[str, str] = NOT_CACHED) -> Response:
    return JSONResponse(document, status, {**headers, **OPEN_DATA})
