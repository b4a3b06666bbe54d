"""The gate, where outsiders ask what they like, and where it can't tell."""

import contextlib
import random
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.bridge.inventory import Host
from tests.deploy.clients import asking
from tests.deploy.sources import release_of, replaced
from tests.deploy.test_guards import on_host
from tests.deploy.test_rollout import host_named, running, url
from tests.stands.lab import LabStack

HEAD = b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
ODD_PATHS = (
    b"/ppwp/hitung-suara/" + b"1" * 256,
    b"/static/json/" + b"a" * 300 + b".json",
    b"/static/json/" + b"a/" * 3000,
    b"/static/json/%00.json",
    b"/static/json/%ff.json",
    b"/static/json/\xff\xfe.json",
    b"/static/json/..%2f..%2fsnapshot.json",
    b"/static/json/../../snapshot.json",
    b"/static/json/",
    b"/static/json/ppwp.json/x",
    b"/../../etc/passwd",
    b"/img/",
    b"/img/" + b"b" * 300,
    b"/%",
    b"/?" + b"q" * 7000,
    b"/?" + b"q" * 40000,
    b"/\x01",
    b"*",
    b"/rusak",
)
ODD_HEADERS = (
    b"If-None-Match: \x0b\x0c\xff",
    b"X-Odd: \x0b\x01",
    b"X-Long: " + b"a" * 20000,
    b"Host: [",
    b"Range: bytes=0-0,1-1,99999999999999999999-",
    b"Content-Length: 10",
    b"Content-Length: 99999999999",
    b"Content-Length: -1",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: xx",
    b"Upgrade: websocket",
    b"\x00: x",
)
ODD_METHODS = (b"POST", b"OPTIONS", b"FOO", b"CONNECT", b"TRACE", b"get")
ODD_REQUESTS = (
    *(b"GET " + path + HEAD + b"\r\n" for path in ODD_PATHS),
    *(b"GET /version" + HEAD + header + b"\r\n\r\n" for header in ODD_HEADERS),
    *(method + b" /static/json/ppwp.json" + HEAD + b"\r\n" for method in ODD_METHODS),
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\r\n\r\n",
    b"\x16\x03\x01\r\n\r\n",
    b"POST /" + HEAD + b"Content-Length: 20000\r\n\r\n" + b"x" * 20000,
)
PIECES = (b"/", b"..", b"%2f", b"%00", b"%ff", b"static", b"json", b"wilayah", b"ppwp", b"-99", b"9" * 300, b".json")


def status_of(address: str, request: bytes, tls: ssl.SSLContext | None = None) -> int:
    """The status of what comes back; 0 if the connection is closed without an answer."""
    with contextlib.ExitStack() as stack:
        link = stack.enter_context(socket.create_connection((address, 443 if tls else 80), timeout=10))
        if tls:
            link = stack.enter_context(tls.wrap_socket(link, server_hostname="hasil.uji.test"))
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            link.sendall(request)  # refused at its first line, its rest isn't waited for; the answer is there
        try:
            answer = link.recv(4096)
        except (ConnectionError, ssl.SSLError):
            return 0
    # HTTP/0.9 has no status: what comes is the answer itself.
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 200 if answer else 0


def messages(stack: LabStack, *hosts: Host) -> int:
    units = [f"--unit={name}" for name in ("nginx", "haproxy", "tegak-results")]
    printed = [on_host(stack, host, "journalctl", "--quiet", "--output=cat", *units) for host in hosts]
    return sum(len(text.splitlines()) for text in printed)


@pytest.mark.parametrize("name", ["barat-app-1", "barat-lb-1", "edge-1"])
def test_no_request_is_a_servers_error_by_its_form_nor_fills_the_journal(stack: LabStack, name: str) -> None:
    """To an app host itself, through its load balancer, and through the edge."""
    host = host_named(stack, name)
    hosts = [other for other in stack.inventory().hosts if other == host or "app" in other.roles]
    tls = ssl.create_default_context(cafile=str(stack.ca_file)) if "edge" in host.roles else None
    before, chance = messages(stack, *hosts), random.Random(10)  # noqa: S311  # nothing secret
    made = [b"/" + b"".join(chance.choices(PIECES, k=chance.randint(1, 9))) for _ in range(300)]
    seen: Counter[int] = Counter()
    for request in (*ODD_REQUESTS, *(b"GET " + path + HEAD + b"\r\n" for path in made)):
        status = status_of(str(host.address), request, tls)
        assert status < 500, request[:80]
        seen[status] += 1
    assert seen[404] > 100, seen
    assert messages(stack, *hosts) - before < 20


@contextmanager
def attacking(addresses: Sequence[str]) -> Generator[Counter[int], None, None]:
    """Ask what isn't there, and what once was a server's error, a hundred times a second, until the block is left."""
    stop, seen = threading.Event(), Counter[int]()
    paths = (*ODD_PATHS[:2], b"/rusak", b"/static/json/rusak.json")

    def attack() -> None:
        number = 0
        while not stop.wait(0.01):
            number += 1
            for address in addresses:
                seen[status_of(address, b"GET " + paths[number % len(paths)] + HEAD + b"\r\n")] += 1

    thread = threading.Thread(target=attack)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def fails_outside_the_grammar(project: Path) -> None:
    """A service that answers 500 to whatever is no address of the site."""
    replaced("app/service.py", "raise NotFoundError\n", "raise RuntimeError\n")(project)


def test_who_asks_for_what_is_not_there_does_not_stop_a_deploy(stack: LabStack, tmp_path: Path) -> None:
    (old,) = running(stack)
    new = release_of(tmp_path, "4.9.1", fails_outside_the_grammar).name
    balancers = [str(host.address) for host in stack.inventory().with_role("lb")]
    with attacking(balancers) as seen, asking(url(stack), stack.ca_file) as tally:
        output = stack.fab("deploy", "--release", new, "--soak-seconds", "2")
    assert seen[500] > 20, seen
    assert tally.failures == []
    assert re.search(r"gate: barat-app-1: 300 requests, 0 failed here alone", output)
    assert running(stack) == {new}
    stack.fab("rollback")
    assert running(stack) == {old}


def fails_now_and_then(project: Path) -> None:
    """A service that answers each tenth page with 500: too many to be sure that it is fine, too few to be refused."""
    replaced(
        "app/service.py",
        "        if len(region) == STATION_DEPTH:",
        "        self.pages = getattr(self, 'pages', 0) + 1\n        if self.pages % 10 == 0:\n"
        "            raise RuntimeError\n        if len(region) == STATION_DEPTH:",
    )(project)


def test_a_gate_that_cannot_tell_stops_and_leaves_the_decision_to_the_operator(stack: LabStack, tmp_path: Path) -> None:
    (old,) = running(stack)
    new = release_of(tmp_path, "4.9.2", fails_now_and_then).name
    output = stack.fab_fails("deploy", "--release", new)
    assert "error: barat-app-1: gate: it can't be told whether it is worse: it failed " in output
    assert "the lock is kept" in output
    assert running(stack) == {old, new}
    locked = stack.run("fab", "status", "--stack", stack.name).output
    assert f"deploy of {new}" in locked
    assert "was undone" in stack.fab("abort")
    assert running(stack) == {old}


def test_what_a_gate_cannot_tell_is_accepted_where_the_operator_says_so(stack: LabStack, tmp_path: Path) -> None:
    (old,) = running(stack)
    new = release_of(tmp_path, "4.9.3", fails_now_and_then).name
    output = stack.fab("deploy", "--release", new, "--accept-doubt")
    assert "gate: barat-app-1: it can't be told whether it is worse: it failed " in output
    assert "the rollout goes on all the same, as was asked for" in output
    assert running(stack) == {new}
    stack.fab("rollback")
    assert running(stack) == {old}


def test_a_rollout_that_waits_for_the_operator_goes_on_where_the_operator_says_so(
    stack: LabStack, tmp_path: Path
) -> None:
    (old,) = running(stack)
    new = release_of(tmp_path, "4.9.4", fails_now_and_then).name
    assert "it can't be told whether it is worse" in stack.fab_fails("deploy", "--release", new)
    assert running(stack) == {old, new}
    stack.fab("resume", "--accept-doubt")
    assert running(stack) == {new}
    stack.fab("rollback")
    assert running(stack) == {old}
