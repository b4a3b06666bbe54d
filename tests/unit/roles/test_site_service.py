"""The results service as it is asked to fill the bucket: its connections, and its end."""

import http.server
import os
import socketserver
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from roles.bucket.site.service import CONNECTIONS, PageService


class ClosesWhatIsIdle(http.server.BaseHTTPRequestHandler):
    """Keeps a connection open by its word, and closes it after each answer: what an idle client gets to see."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        for name, value in (("Content-Type", "text/html"), ("Cache-Control", "no-cache"), ("Content-Length", "4")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"page")
        self.close_connection = True

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002  # http.server's own names
        return


@pytest.fixture
def path(tmp_path: Path) -> Generator[Path, None, None]:
    at = Path(os.path.relpath(tmp_path / "0.sock"))  # the path of a unix socket has 107 characters at most
    with socketserver.ThreadingUnixStreamServer(str(at), ClosesWhatIsIdle) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield at
        server.shutdown()
        thread.join()


def test_a_connection_that_the_service_has_closed_meanwhile_is_opened_anew(path: Path) -> None:
    service = PageService([path])
    bodies = {service.answer("/").body for _ in range(3 * CONNECTIONS)}
    assert bodies == {b"page"}
    service.close()


def test_a_service_that_has_ended_is_said(tmp_path: Path) -> None:
    service = PageService([tmp_path / "nobody.sock"])
    with pytest.raises(OperatorError, match="the results service, run here to fill the bucket, ended"):
        service.answer("/")
