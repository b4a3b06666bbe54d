"""Clients that ask without pause, as the public does, and keep count of every answer that isn't 200 and whole."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2 as httpx

PAUSE_SECONDS = 0.004
TIMEOUT_SECONDS = 20
LONGEST_SECONDS = 240
PAGE = "/ppwp/hitung-suara"
FORM = "/static/json/hhcw/ppwp/-99/-991302/-991303/-991304/900000001.json"


@dataclass
class Tally:
    """What the clients saw.

    Args:
        answers: How many answers were 200 and whole.
        failures: What the others were.
        releases: The releases that answered.
        hosts: The hosts that answered.
    """

    answers: int = 0
    failures: list[str] = field(default_factory=list[str])
    releases: set[str] = field(default_factory=set[str])
    hosts: set[str] = field(default_factory=set[str])


def check_version(answer: httpx.Response, tally: Tally) -> None:
    version = json.loads(answer.content)
    tally.releases.add(version["release"])
    tally.hosts.add(version["host"])


def check_page(answer: httpx.Response, _: Tally) -> None:
    assert answer.text.startswith("<!doctype html>")
    assert answer.text.endswith("</html>")


def check_form(answer: httpx.Response, _: Tally) -> None:
    assert json.loads(answer.content)["chart"] == {"21": 508, "22": 108}


CLIENTS: tuple[tuple[bool, str, Callable[[httpx.Response, Tally], None]], ...] = (
    (False, "/version", check_version),  # not cached: each request goes to an app host
    (True, "/version", check_version),
    (True, PAGE, check_page),
    (False, FORM, check_form),
)
"""HTTP/2 or 1.1, both with keep-alive; what is asked for; what a whole answer is."""


@contextmanager
def asking(url: str, ca_file: Path) -> Generator[Tally, None, None]:
    """Ask through the edge until the block is left.

    Args:
        url: The site's address.
        ca_file: The authority of its certificate.
    """
    tally, stop = Tally(), threading.Event()
    threads = [
        threading.Thread(target=_ask, args=(url, ca_file, *client, tally, stop), daemon=True) for client in CLIENTS
    ]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        stop.set()
        for thread in threads:
            thread.join(TIMEOUT_SECONDS + 5)


def _ask(
    url: str,
    ca_file: Path,
    http2: bool,  # noqa: FBT001  # a column of CLIENTS
    path: str,
    check: Callable[[httpx.Response, Tally], None],
    tally: Tally,
    stop: threading.Event,
) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    # Not shared: the client library writes the protocols it offers into it, just before it connects.
    context = ssl.create_default_context(cafile=str(ca_file))
    with httpx.Client(base_url=url, verify=context, http1=not http2, http2=http2, timeout=TIMEOUT_SECONDS) as client:
        while not stop.is_set() and time.monotonic() < deadline:
            try:
                answer = client.get(path)
                assert answer.status_code == 200, f"status {answer.status_code}"
                check(answer, tally)
                tally.answers += 1
            except (httpx.HTTPError, AssertionError, ValueError, KeyError) as error:
                tally.failures.append(f"{path}: {type(error).__name__}: {error}")
            time.sleep(PAUSE_SECONDS)
