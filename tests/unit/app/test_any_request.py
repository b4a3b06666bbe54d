"""Whatever is asked: no request is a server's error by its form, and none takes long."""

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.service import Service, ServiceSettings
from app.snapshot import COMPLETE
from tests.thorough import examples

LONGEST_SECONDS = 5
"""Of one answer, on a machine that does other things too."""

Ask = Callable[..., int]


@pytest.fixture(scope="module")
def ask(snapshot_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Ask, None, None]:
    """The real application, asked as uvicorn asks it; what comes back is the status."""
    release = tmp_path_factory.mktemp("release")
    (release / "release.json").write_text('{"release":"1.0.0-0123456789"}')
    (release / COMPLETE).touch()
    application = Service(
        ServiceSettings("jakarta-app-1", "jakarta", release, snapshot_dir, release / "altered")
    ).application()
    with asyncio.Runner() as runner:

        def run(
            path: str, method: str = "GET", headers: list[tuple[bytes, bytes]] | None = None, query: bytes = b""
        ) -> int:
            scope = {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": method,
                "scheme": "http",
                "path": path,
                "raw_path": path.encode(errors="surrogatepass"),
                "root_path": "",
                "query_string": query,
                "headers": headers or [],
                "server": ("/run/tegak/results.sock", None),
                "client": None,
            }
            sent: list[dict[str, Any]] = []

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: dict[str, Any]) -> None:
                sent.append(message)

            started = time.monotonic()
            runner.run(application(scope, receive, send))  # pyright: ignore[reportArgumentType]
            assert time.monotonic() - started < LONGEST_SECONDS
            assert sent[-1]["type"] == "http.response.body"
            return int(sent[0]["status"])

        yield run


ids = st.one_of(
    st.sampled_from(["-99", "-991302", "-991303", "-991304", "900000001", "928068", "0", "-0", "01", "+1", "1_0", "٣"]),
    st.integers().map(str),
    st.integers(1, 5000).map(lambda count: "9" * count),
    st.sampled_from(["", ".", "..", "%2e%2e", "\x00", "\n", "a" * 300, "x.json", " 1", "１", "²", "indeks.json"]),
    st.text(max_size=20),
)


def path_of(root: str, parts: list[str], end: str) -> str:
    return root + "".join(f"/{part}" for part in parts) + end


paths = st.builds(
    path_of,
    st.sampled_from(
        [
            "",
            "/ppwp/hitung-suara",
            "/static/json",
            "/static/json/wilayah",
            "/static/json/hhcw/ppwp",
            "/healthz",
            "/version",
            "/robots.txt",
            "/arsip",
            "/arsip/20190417T000000Z-0123456789",
        ]
    ),
    st.lists(ids, max_size=7),
    st.sampled_from(["", "/", ".json", ".json/", "\x00.json", ".JSON"]),
)
addresses = st.one_of(paths, st.text(max_size=50).map(lambda text: f"/{text}"))
octets = st.binary(max_size=60)
headers = st.lists(
    st.tuples(st.sampled_from([b"host", b"if-none-match", b"range", b"content-length", b"expect", b"x-odd"]), octets),
    max_size=4,
)


@examples(150, deadline=dt.timedelta(seconds=LONGEST_SECONDS))
@given(addresses, headers, octets)
@example(f"/ppwp/hitung-suara/{'1' * 256}", [], b"")
@example(f"/ppwp/hitung-suara/{'1' * 5000}", [], b"")
@example(f"/static/json/{'a' * 300}.json", [], b"")
@example("/static/json/a\x00.json", [], b"")
@example("/static/json/hhcw/ppwp/1/\x00/3/4/5.json", [], b"")
@example("/static/json/\udcff.json", [], b"")
@example("/ppwp/hitung-suara/1/2", [(b"host", b"[")], b"")
@example("/ppwp/hitung-suara/٣", [(b"host", b"\xff:x")], b"")
def test_no_address_header_or_query_makes_the_service_fail(
    ask: Ask, path: str, headers: list[tuple[bytes, bytes]], query: bytes
) -> None:
    assert ask(path, headers=headers, query=query) < 500


@examples(30, deadline=dt.timedelta(seconds=LONGEST_SECONDS))
@given(paths, st.one_of(st.sampled_from(["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "CONNECT"]), st.text(max_size=9)))
@example("*", "OPTIONS")
@example("", "GET")
def test_no_method_makes_the_service_fail(ask: Ask, path: str, method: str) -> None:
    assert ask(path, method) < 500
