"""A host that measures itself: what nginx counted and wrote down, and what it answers."""

import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from roles.on_host import program

SOAK_SECONDS = 1


class Nginx(http.server.BaseHTTPRequestHandler):
    """As far as the program sees it; has had 40 requests more each time it is asked."""

    protocol_version = "HTTP/1.1"
    total = 1000
    step = 40

    def do_GET(self) -> None:
        code, body = 200, b"page"
        if self.path == "/status":
            body = (
                b"Active connections: 3 \nserver accepts handled requests\n 7 7 %d \nReading: 0 Writing: 1\n"
                % Nginx.total
            )
            Nginx.total += Nginx.step
        elif self.path == "/broken":
            code = 502
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002  # http.server's own names
        return


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Generator[int, None, None]:
    monkeypatch.setattr(Nginx, "step", 40)
    monkeypatch.setattr(Nginx, "total", 1000)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nginx) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def watch(port: int, log: Path, *, status_port: int | None = None, pages: tuple[str, ...] = ("/",)) -> dict[str, Any]:
    asked = {
        "port": port,
        "status_port": status_port or port,
        "failed_log": str(log),
        "soak_seconds": SOAK_SECONDS,
        "requests": 20,
        "pages": pages,
    }
    argv = [sys.executable, "-c", program("asking", "watch_host")]
    return json.loads(subprocess.run(argv, input=json.dumps(asked), capture_output=True, text=True, check=True).stdout)


def test_real_requests_are_nginxs_own_count_and_synthetic_ones_come_on_top(port: int, tmp_path: Path) -> None:
    seen = watch(port, tmp_path / "failed.log")
    assert (seen["real"], seen["requests"], seen["errors"]) == (40, 60, 0)
    assert len(seen["milliseconds"]) == 20


def test_failures_count_that_nginx_wrote_down_in_the_soak_time_and_no_others(port: int, tmp_path: Path) -> None:
    log, started = tmp_path / "failed.log", time.time()
    before, after = f"{started - 60:.3f} 502 0.001\n", f"{started + 3600:.3f} 502 0.001\n"

    def fail_meanwhile() -> None:
        time.sleep(SOAK_SECONDS / 2)
        with log.open("a") as file:
            file.write(f"{time.time():.3f} 502 0.001\n{time.time():.3f} 503 0.001\nhalf a li")

    log.write_text(before + after)
    thread = threading.Thread(target=fail_meanwhile)
    thread.start()
    seen = watch(port, log)
    thread.join()
    assert seen["errors"] == 2


def test_synthetic_requests_that_fail_are_errors_and_so_is_no_answer(port: int, tmp_path: Path) -> None:
    assert watch(port, tmp_path / "failed.log", pages=("/", "/broken"))["errors"] == 10
    assert watch(1, tmp_path / "failed.log", status_port=port)["errors"] == 20


def test_where_nginx_says_nothing_or_has_started_anew_only_synthetic_requests_count(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watch(port, tmp_path / "failed.log", status_port=1)["requests"] == 20
    monkeypatch.setattr(Nginx, "step", -900)
    assert watch(port, tmp_path / "failed.log")["requests"] == 20
