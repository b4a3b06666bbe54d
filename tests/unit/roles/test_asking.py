"""What a host asks for the gate: the same of each server, of addresses that exist, in turn, over the soak time."""

import http.server
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.addresses import RELEASE, Kind, read_address
from app.loader.build import build_snapshot
from app.snapshot import Snapshot
from roles.on_host import asking, program
from roles.rollout.gate import ADDRESSES, FIXED, NATION, Watched
from tests.stands.lab import PROJECT, SMALL
from tests.stands.packs import unpack_snapshot

REQUESTS = 120
Place = tuple[str, int]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    built = build_snapshot(PROJECT / SMALL, tmp_path_factory.mktemp("dist"))
    return Snapshot(unpack_snapshot(built, tmp_path_factory.mktemp("snapshots")))


@dataclass
class Site:
    """A server of the site, and what it was asked when; it fails what `fails` says, with that status."""

    snapshot: Snapshot
    fails: dict[str, int] = field(default_factory=dict[str, int])
    hangs_up_after: int = 10**9
    asked: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append((time.monotonic(), path))
        status = self.fails.get(path) or self.fails.get("all") or (200 if read_address(path) else 404)
        if path == RELEASE and status == 200:
            return status, json.dumps({"election": self.snapshot.election.code}).encode()
        return status, (self.snapshot.document(path) if status == 200 else None) or b"{}"


@contextmanager
def serving(site: Site) -> Generator[Place, None, None]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        answered = 0

        def do_GET(self) -> None:
            self.answered += 1
            if self.answered > site.hangs_up_after:  # without a word, as a server does with what was idle
                self.close_connection = True
                return
            status, body = site.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002  # http.server's own names
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield ("127.0.0.1", server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def asked_for(**more: object) -> dict[str, Any]:
    wanted = {"seed": "1", "requests": REQUESTS, "seconds": 0, "canaries": ["canary"], "others": ["one", "two"]}
    return {**ADDRESSES, **wanted, **more}


def test_what_is_asked_are_addresses_of_every_kind_that_exist(snapshot: Snapshot) -> None:
    site = Site(snapshot)
    with serving(site) as place:
        pages = asking.addresses(asked_for(), [("127.0.0.1", 1), place])
        assert pages == asking.addresses(asked_for(), [place])
        assert pages != asking.addresses(asked_for(seed="2"), [place])
    known = [read_address(page) for page in pages]
    assert None not in known
    assert {address.kind for address in known if address} == set(Kind) - {
        Kind.ROBOTS,
        Kind.PROGRESS,  # hosts keep releases without it
        Kind.SIREKAP,  # this election is not published in it
    }
    depths = {(address.kind, len(address.region)) for address in known if address}
    assert depths >= {(Kind.PAGE, depth) for depth in range(6)} | {(Kind.COUNT, depth) for depth in range(6)}
    assert len(pages) == len(set(pages)) > 100
    for page in pages:
        address = read_address(page)
        if address and address.kind is Kind.NAMES:
            assert snapshot.document(page) is not None


def test_where_no_regions_are_known_the_rest_is_asked(snapshot: Snapshot) -> None:
    with serving(Site(snapshot, {NATION: 404})) as place:
        assert sorted(asking.addresses(asked_for(), [place])) == sorted(FIXED)


def test_the_canary_and_one_of_the_others_are_asked_the_same_and_none_is_always_first(snapshot: Snapshot) -> None:
    sites = {name: Site(snapshot) for name in ("canary", "one", "two")}
    sites["canary"].fails["all"] = 503
    with serving(sites["canary"]) as canary, serving(sites["one"]) as one, serving(sites["two"]) as two:
        places = {"canary": canary, "one": one, "two": two}
        answers = asking.ask_all(asked_for(), places, ["/version", "/"])
    of = {name: [answer[1:] for answer in answers if answer[0] == name] for name in places}
    assert {taken for _, _, taken in of["canary"]} == {None}
    others = [*of["one"], *of["two"]]
    assert all(taken is not None and taken >= 0 for _, _, taken in others)
    assert sorted(answer[:2] for answer in others) == sorted(answer[:2] for answer in of["canary"])
    assert len(of["canary"]) == REQUESTS
    assert Counter(answer[0] for answer in answers) == {"canary": REQUESTS, "one": REQUESTS / 2, "two": REQUESTS / 2}
    first = Counter(answers[number][0] == "canary" for number in range(0, 2 * REQUESTS, 2))
    assert abs(first[True] - first[False]) <= asking.WORKERS


def test_requests_are_spread_over_the_soak_time(snapshot: Snapshot) -> None:
    site = Site(snapshot)
    with serving(site) as place:
        asking.ask_all(asked_for(others=[], requests=40, seconds=0.8), {"canary": place}, ["/"])
    times = [moment - site.asked[0][0] for moment, _ in site.asked]
    assert max(times) > 0.7
    assert sum(moment < 0.4 for moment in times) <= 25


def test_an_idle_connection_that_was_closed_is_no_failure_and_no_answer_at_all_is(snapshot: Snapshot) -> None:
    site = Site(snapshot, hangs_up_after=3)
    with serving(site) as place:
        answers = asking.ask_all(asked_for(others=[]), {"canary": place}, ["/"])
    assert [taken for *_, taken in answers if taken is None] == []
    assert len(site.asked) == REQUESTS
    nobody = asking.ask_all(asked_for(others=[], requests=8), {"canary": place}, ["/"])
    assert [taken for *_, taken in nobody] == [None] * 8


def get_slowly(*_: object) -> None:
    time.sleep(0.1)


def test_nothing_more_is_asked_than_servers_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "AFTER_SECONDS", 0.2)
    monkeypatch.setattr(asking.ServerLink, "get", get_slowly)
    started = time.monotonic()
    answers = asking.ask_all(asked_for(others=[]), {"canary": ("127.0.0.1", 1)}, ["/"])
    assert 0 < len(answers) < 20
    assert time.monotonic() - started < 5


def test_a_host_that_asks_itself_prints_what_the_gate_reads(snapshot: Snapshot) -> None:
    with serving(Site(snapshot, {"/version": 500})) as place:
        request = json.dumps(asked_for(others=[], port=place[1]))
        argv = [sys.executable, "-I", "-c", program("asking", "watch_host")]
        printed = subprocess.run(argv, input=request, capture_output=True, text=True, check=True).stdout
    seen = Watched.model_validate_json(printed)
    assert len(seen.answers) == REQUESTS
    failed = {address for _, _, address, taken in seen.answers if taken is None}
    assert failed == {"/version"}
