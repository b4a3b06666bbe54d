"""An edge's nginx as it is deployed, in a folder: what it answers from the archive, and what it hands on."""

import contextlib
import http.client
import http.server
import os
import re
import signal
import socket
import socketserver
import subprocess
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.addresses import ARCHIVED
from tests.stands.nginx import programs, unsent_in
from tests.stands.waiting import until
from tests.thorough import examples
from tools.render import example as example_stack
from tools.render import render

NAME = "20190417T000000Z-0123456789"
OTHER = "20190417T001500Z-0123456789"
FILES = ("snapshot.json", "snapshot.json.sig", "utuh.tar.gz", "perubahan.tar.gz", "entri.json")
START_SECONDS = 20


class _Location(http.server.BaseHTTPRequestHandler):
    """Says of each request that it came this far."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "9")
        self.end_headers()
        self.wfile.write(b"locations")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002  # http.server's own names
        return


@dataclass(frozen=True)
class Got:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Edge:
    """Its nginx, listening."""

    port: int

    def get(self, target: str) -> Got:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as link:
            link.putrequest("GET", target, skip_host=True)
            link.putheader("Host", "hasil.contoh.test")
            link.endheaders()
            answer = link.getresponse()
            return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Generator[Edge, None, None]:
    root = tmp_path_factory.mktemp("edge")
    archive = root / "srv/tegak/arsip"
    for name in (NAME, f".{OTHER}.half-made"):
        (archive / name).mkdir(parents=True)
        for file in FILES:
            (archive / name / file).write_text(f"archive {file}")
    for file in ("indeks.json", "allowed_signers", ".lock", "indeks.json.new"):
        (archive / file).write_text(f"archive {file}")
    (root / "srv/tegak/secret.json").write_text("archive secret")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Location) as locations:
        serving = threading.Thread(target=locations.serve_forever)
        serving.start()
        with _nginx(root, _free_port(), int(locations.server_address[1])) as port:
            yield Edge(port)
        locations.shutdown()
        serving.join()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def _nginx(root: Path, port: int, locations: int) -> Generator[int, None, None]:
    unpacked = programs()
    for place in ("etc/nginx/tegak", "run", "unsent", "cache"):
        (root / place).mkdir(parents=True)
    (root / "etc/nginx/mime.types").write_bytes((unpacked.root / "etc/nginx/mime.types").read_bytes())
    replaced = {
        "/srv/tegak": f"{root}/srv/tegak",
        "/etc/nginx/": f"{root}/etc/nginx/",
        "/usr/lib/nginx/": f"{unpacked.root}/usr/lib/nginx/",
        "/run/": f"{root}/run/",
        "/var/lib/nginx/results": f"{root}/cache",
        "?.lua;;": f"?.lua;{unpacked.root}/usr/share/lua/5.1/?.lua;;",
        "127.0.0.1:8080": f"127.0.0.1:{port}",
        "127.0.0.1:8081": f"127.0.0.1:{locations}",
        "user www-data;": "user root;",
        "http {\n": f"http {{\n{unsent_in(root)}",
    }
    for file in render("edge", example_stack()):
        if file.path.is_relative_to("/etc/nginx"):
            text = file.content.decode()
            for old, new in replaced.items():
                text = text.replace(old, new)
            (root / str(file.path).lstrip("/")).write_text(text)
    argv = [str(unpacked.root / "usr/sbin/nginx"), "-c", str(root / "etc/nginx/nginx.conf"), "-p", str(root)]
    with (root / "nginx.log").open("wb") as log:
        process = subprocess.Popen(
            [*argv, "-g", "daemon off;"], env=unpacked.environment(), stderr=log, start_new_session=True
        )
    try:
        with contextlib.closing(socket.socket()) as link:
            until(lambda: link.connect_ex(("127.0.0.1", port)) == 0, START_SECONDS)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def test_the_index_is_kept_for_moments_and_what_has_a_name_of_its_own_for_ever(edge: Edge) -> None:
    kinds = {"snapshot.json": "application/json", "snapshot.json.sig": "text/plain", "utuh.tar.gz": "application/gzip"}
    kinds["perubahan.tar.gz"] = kinds["utuh.tar.gz"]
    for file, kind in kinds.items():
        got = edge.get(f"/arsip/{NAME}/{file}")
        assert (got.status, got.body, got.headers["content-type"]) == (200, f"archive {file}".encode(), kind)
        assert got.headers["cache-control"] == "public, max-age=31536000, immutable"
    for file in ("indeks.json", "allowed_signers"):
        got = edge.get(f"/arsip/{file}")
        assert (got.status, got.body) == (200, f"archive {file}".encode())
        assert got.headers["cache-control"] == "public, max-age=10"
        assert got.headers["access-control-allow-origin"] == "*"


parts = st.one_of(
    st.sampled_from(
        [NAME, OTHER, f".{OTHER}.half-made", "indeks.json", "allowed_signers", "indeks.json.new", ".lock", *FILES]
    ),
    st.sampled_from(["..", ".", "%2e%2e", "", "secret.json", "%00", "snapshot.json%00.sig", "INDEKS.JSON"]),
    st.text("abz09.-%2f/", max_size=12),
)
targets = st.lists(parts, max_size=4).map(lambda words: "/arsip/" + "/".join(words))


@examples(300)
@given(targets)
@example(f"/arsip/{NAME}/entri.json")
@example(f"/arsip/.{OTHER}.half-made/utuh.tar.gz")
@example("/arsip/../secret.json")
@example(f"/arsip/{NAME}/../../secret.json")
@example("/arsip/.lock")
@example("/arsip/indeks.json.new")
@example(f"/arsip/{NAME}/snapshot.json%0a")
@example("/arsip/indeks.json%0a")
@example(f"/arsip/{NAME}/")
@example(f"/arsip/{NAME}")
def test_only_an_address_of_the_grammar_is_answered_from_the_archive_and_any_other_is_handed_on(
    edge: Edge, target: str
) -> None:
    got = edge.get(target)
    if got.body.startswith(b"archive"):
        assert got.status == 200
        assert re.fullmatch(ARCHIVED, _decoded(target)), target
    else:
        assert (got.status, got.body == b"locations") in {(404, True), (400, False)}, got


def _decoded(target: str) -> str:
    """The path that nginx makes of it: unescaped, and without `.`, `..` and empty parts."""
    path = bytes(re.sub(rb"%([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]), target.encode()))
    return os.path.normpath(path.decode(errors="replace"))


@given(st.from_regex(ARCHIVED, fullmatch=True))
@examples(50)
def test_every_address_of_the_grammar_is_looked_for_there_and_handed_on_if_it_is_missing(
    edge: Edge, address: str
) -> None:
    got = edge.get(address)
    assert (got.status, got.body) == (404, b"locations") or got.body.startswith(b"archive")
