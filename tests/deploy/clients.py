"""Clients that ask without pause, as the public does, and keep count of every answer that isn't 200 and whole.

Each keeps its connection alive, and none asks twice: a connection that is closed under a request is a failure.
"""

import http.client
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

PAUSE_SECONDS = 0.002
TIMEOUT_SECONDS = 20
LONGEST_SECONDS = 420
PAGE = "/ppwp/hitung-suara"
FORM = "/static/json/hhcw/ppwp/-99/-991302/-991303/-991304/900000001.json"
OK = 200

MARK = "@@answer"
CURL_RATE = 300

Answers = Iterator[tuple[int, bytes]]
"""What a client gets for asking for its path again and again: status and body; an exception where it gets none."""


@dataclass
class Tally:
    """What the clients saw.

    Args:
        answers: How many answers were 200 and whole, by client.
        failures: What the others were.
        releases: The releases that answered.
        hosts: The hosts that answered.
    """

    answers: dict[str, int] = field(default_factory=dict[str, int])
    failures: list[str] = field(default_factory=list[str])
    releases: set[str] = field(default_factory=set[str])
    hosts: set[str] = field(default_factory=set[str])

    @property
    def total(self) -> int:
        return sum(self.answers.values())


def check(path: str, body: bytes, tally: Tally) -> None:
    """Whether an answer is whole."""
    if path == "/version":
        version = json.loads(body)
        tally.releases.add(version["release"])
        tally.hosts.add(version["host"])
    elif path == FORM:
        assert json.loads(body)["chart"] == {"21": 508, "22": 108}
    else:
        assert body.startswith(b"<!doctype html>")
        assert body.rstrip().endswith(b"</html>")


class Http1:
    """A plain client of HTTP/1.1: it opens a new connection only where the last answer said that it would be closed."""

    def __init__(self, link: http.client.HTTPConnection, path: str) -> None:
        self._link = link
        self._path = path

    def __iter__(self) -> "Http1":
        return self

    def __next__(self) -> tuple[int, bytes]:
        try:
            self._link.request("GET", self._path)
            answer = self._link.getresponse()
            return answer.status, answer.read()
        except BaseException:
            self._link.close()
            raise


@contextmanager
def http1(url: str, ca_file: Path, path: str) -> Generator[Answers, None, None]:
    """A client of HTTP/1.1."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    link = http.client.HTTPConnection(host, port or 80, timeout=TIMEOUT_SECONDS)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=str(ca_file))
        link = http.client.HTTPSConnection(host, port or 443, timeout=TIMEOUT_SECONDS, context=context)
    yield Http1(link, path)
    link.close()


@contextmanager
def http2(url: str, ca_file: Path, path: str) -> Generator[Answers, None, None]:
    """A client of HTTP/2: curl, asking on and on over one connection.

    When HAProxy reloads, it announces (GOAWAY, RFC 9113, 6.8) that it takes no streams after those that are under way.
    Python's h2 drops these too, curl reads them to their end, as browsers do.
    """
    argv = ["curl", "--http2", "--silent", "--cacert", str(ca_file), "--max-time", str(TIMEOUT_SECONDS)]
    argv += ["--rate", f"{CURL_RATE}/s", "--write-out", f"\n{MARK} %{{http_code}} %{{http_version}} %{{exitcode}}\n"]
    argv += [f"{url}{path}?n=[1-{CURL_RATE * LONGEST_SECONDS}]"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        yield _answers_of(process)
        process.terminate()


def _answers_of(process: "subprocess.Popen[bytes]") -> Answers:
    body: list[bytes] = []
    assert process.stdout is not None
    for line in process.stdout:
        if not line.startswith(MARK.encode()):
            body.append(line)
            continue
        status, version, code = line.split()[1:]
        assert version == b"2", line
        yield (int(status) if code == b"0" else -int(code)), b"".join(body).removesuffix(b"\n")
        body = []


@contextmanager
def asking(url: str, ca_file: Path, *, straight: tuple[str, ...] = ()) -> Generator[Tally, None, None]:
    """Ask through the edge until the block is left.

    Args:
        url: The site's address.
        ca_file: The authority of its certificate.
        straight: Load balancers that are asked too, past the edge.
    """
    # /version is not cached: each request goes to an app host.
    clients = {
        "edge, HTTP/1.1, /version": (http1(url, ca_file, "/version"), "/version"),
        "edge, HTTP/1.1, form": (http1(url, ca_file, FORM), FORM),
        "edge, HTTP/2, /version": (http2(url, ca_file, "/version"), "/version"),
        "edge, HTTP/2, page": (http2(url, ca_file, PAGE), PAGE),
    }
    for address in straight:
        clients[f"{address}, /version"] = (http1(f"http://{address}", ca_file, "/version"), "/version")
        clients[f"{address}, form"] = (http1(f"http://{address}", ca_file, FORM), FORM)
    tally, stop = Tally(), threading.Event()
    threads = [
        threading.Thread(target=_ask, args=(name, *client, tally, stop), daemon=True)
        for name, client in clients.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        stop.set()
        for thread in threads:
            thread.join(TIMEOUT_SECONDS + 5)


def _ask(name: str, client: AbstractContextManager[Answers], path: str, tally: Tally, stop: threading.Event) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    tally.answers[name] = 0

    def failed(what: str) -> None:
        tally.failures.append(f"{time.strftime('%H:%M:%S')} {name}: {what}")

    with client as answers:
        while not stop.is_set():
            if time.monotonic() > deadline:
                return failed(f"has asked for {LONGEST_SECONDS} s: from now on nobody would notice a failure")
            try:
                status, body = next(answers)
                assert status == OK, f"status {status}"
                check(path, body, tally)
                tally.answers[name] += 1
            except StopIteration:
                return failed("the client has ended")
            except (OSError, http.client.HTTPException, AssertionError, ValueError, KeyError) as error:
                failed(f"{type(error).__name__}: {error}")
            time.sleep(PAUSE_SECONDS)
    return None
