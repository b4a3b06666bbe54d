"""Publication after publication: only what changed travels, who can't keep up is left out, and it runs on the clock."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from infra.bridge.inventory import Host
from roles.scripts.layout import CURRENT_SNAPSHOT, SNAPSHOTS
from tests.deploy.clients import asking
from tests.deploy.faults import on_host_until_left, packets_dropped
from tests.deploy.test_guards import app_hosts, on_host, state_of
from tests.deploy.test_rollout import host_named, url
from tests.stands.lab import PROJECT, SMALL, LabStack
from tests.stands.results import Row, source_of
from tests.stands.waiting import until

PAGE = "/static/json/version.json"
KILLS_RECEIVING = """
setsid sh -c 'until pkill -KILL -f "[t]akes a snapshot from standard input"; do sleep 0.01; done' \\
    > /dev/null 2>&1 < /dev/null &
"""
"""Ends the program that takes results as soon as it is there: while it reads, checks or writes."""

WAIT_SECONDS = 60
OLDEST_SECONDS = 60
"""How old an answer of a cache may be while publishing works: fresh for 10 s, then shown for 50 while it asks again."""


def counted(number: int) -> Callable[[list[Row]], list[Row]]:
    """So many more forms say something else, each newer than the one before."""

    def change(rows: list[Row]) -> list[Row]:
        newest = max(int(row["first_photo_unix_s"] or 0) for row in rows)
        with_votes = [row for row in rows if int(row["votes_01"] or 0) > 0][10:]  # clients know the first ones
        for each in range(number):
            with_votes[each]["votes_01"] = str(int(with_votes[each]["votes_01"]) + number)
            with_votes[each]["first_photo_unix_s"] = str(newest + 60 * number)
        return rows

    return change


@pytest.fixture
def source(tmp_path: Path) -> Callable[[int], str]:
    """The directory of a tick's tables."""

    def made(number: int) -> str:
        directory = tmp_path / f"results-{number}"
        return str(directory if directory.exists() else source_of(directory, stations=counted(number)))

    return made


def shown(stack: LabStack) -> dict[str, str | None]:
    return {host.name: state_of(stack, host).snapshot for host in app_hosts(stack)}


@pytest.fixture(autouse=True)
def _shows_what_it_showed(stack: LabStack) -> Generator[None, None, None]:  # pyright: ignore[reportUnusedFunction]
    yield
    stack.fab("publish", "--source", SMALL, "--correction", "Uji coba selesai.")


def links(stack: LabStack, host: Host) -> list[str]:
    """How many snapshots of a host share each segment of the current one."""
    return on_host(stack, host, "bash", "-c", f"stat -c '%n %h' {CURRENT_SNAPSHOT}/bodies-* | sort -V").splitlines()


def test_a_tick_sends_what_changed_and_no_request_fails(stack: LabStack, source: Callable[[int], str]) -> None:
    stack.fab("publish", "--source", source(1))
    with asking(url(stack), stack.ca_file) as tally:
        for number in (2, 3):
            said = stack.fab("publish", "--source", source(number))
            assert "5 hosts changed" in said
            assert len(set(shown(stack).values())) == 1
        time.sleep(1)
    assert tally.failures == []
    host = app_hosts(stack)[0]
    # The first one's segment is shared with the snapshot before, the newest is its own, and what is out of use is gone.
    shared = links(stack, host)
    assert shared[0] == f"{CURRENT_SNAPSHOT}/bodies-0 2"
    assert re.fullmatch(rf"{CURRENT_SNAPSHOT}/bodies-[0-9]+ 1", shared[-1])
    assert len(on_host(stack, host, "find", str(SNAPSHOTS), "-mindepth", "1", "-type", "d").splitlines()) == 2


def test_a_host_that_was_away_gets_all_of_it_and_comes_back_with_the_next_results(
    stack: LabStack, source: Callable[[int], str]
) -> None:
    stack.fab("publish", "--source", source(1))
    away = host_named(stack, "timur-app-2")
    with packets_dropped(stack, away):
        assert "timur-app-2: does not answer, and is left out" in stack.fab("publish", "--source", source(2))
    said = stack.fab("publish", "--source", source(3))
    assert "timur-app-2: undrain timur-app-2: done" in said
    assert len(set(shown(stack).values())) == 1
    assert "ok" in next(line for line in stack.fab("status").splitlines() if "timur-app-2" in line)


def test_a_host_that_cannot_keep_up_leaves_the_pool_and_the_others_go_on(
    stack: LabStack, source: Callable[[int], str]
) -> None:
    stack.fab("publish", "--source", source(1))
    # Its disk takes nothing more, and it serves what it has. (Lazily: nginx may have opened files below the mount.)
    place = f"mount --bind {SNAPSHOTS} {SNAPSHOTS} && mount -o remount,bind,ro {SNAPSHOTS}"
    with asking(url(stack), stack.ca_file) as tally:
        with on_host_until_left(stack, "barat-app-1", place, f"umount --lazy {SNAPSHOTS}"):
            said = stack.fab("publish", "--source", source(2))
            assert "the rollout goes on without barat-app-1" in said
            assert "barat-app-1: left out of the pool: receive:" in said
            newest = shown(stack)
            assert newest.pop("barat-app-1") not in set(newest.values())
            assert len(set(newest.values())) == 1
            status = stack.run("fab", "status", "--stack", stack.name)
            assert status.code != 0
        said = stack.fab("publish", "--source", source(3))
        assert "barat-app-1: undrain barat-app-1: done" in said
        time.sleep(1)
    assert tally.failures == []


def test_a_host_whose_receiving_is_killed_is_left_out_and_takes_the_next_results(
    stack: LabStack, source: Callable[[int], str]
) -> None:
    stack.fab("publish", "--source", source(1))
    with asking(url(stack), stack.ca_file) as tally:
        with on_host_until_left(stack, "timur-app-1", KILLS_RECEIVING, "pkill -KILL -f '[u]ntil pkill' || true"):
            said = stack.fab("publish", "--source", source(2))
        assert "the rollout goes on without timur-app-1" in said
        newest = shown(stack)
        assert newest.pop("timur-app-1") not in set(newest.values())
        assert len(set(newest.values())) == 1
        assert "timur-app-1: undrain timur-app-1: done" in stack.fab("publish", "--source", source(3))
        assert len(set(shown(stack).values())) == 1
        time.sleep(1)
    assert tally.failures == []
    there = on_host(
        stack, host_named(stack, "timur-app-1"), "find", str(SNAPSHOTS), "-mindepth", "1", "-type", "d"
    ).splitlines()
    assert len(there) == 2, there


def test_a_lost_location_keeps_no_results_from_the_public_and_comes_back_with_the_next(
    stack: LabStack, source: Callable[[int], str]
) -> None:
    stack.fab("publish", "--source", source(1))
    lost = [host for host in stack.inventory().hosts if host.location == "timur"]
    with asking(url(stack), stack.ca_file) as tally:
        with ExitStack() as faults:
            for host in lost:
                faults.enter_context(packets_dropped(stack, host))
            said = stack.fab("publish", "--source", source(2))
            assert all(f"{host.name}: does not answer, and is left out" in said for host in lost)
            newest = version(stack)
            until(lambda: edge_version(stack) == newest, OLDEST_SECONDS)
            time.sleep(1)
        assert "timur-lb-1: undrain timur: done" in stack.fab("publish", "--source", source(3))
        assert len(set(shown(stack).values())) == 1
        time.sleep(1)
    assert tally.failures == []
    assert stack.run("fab", "status", "--stack", stack.name).code == 0


def version(stack: LabStack) -> str:
    return str(json.loads(on_host(stack, app_hosts(stack)[0], "curl", "-sf", f"http://127.0.0.1{PAGE}"))["version"])


def edge_version(stack: LabStack) -> str:
    argv = ["curl", "-sf", "--cacert", str(stack.ca_file), f"{url(stack)}{PAGE}"]
    return str(json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)["version"])


def wait_for(what: Callable[[], bool], said: Path) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < until, said.read_text()
        time.sleep(0.5)


@contextmanager
def ticking(stack: LabStack, source: Path, said: Path) -> Generator["subprocess.Popen[bytes]", None, None]:
    """`fab publish --every 10s`, which is ended in the end if it was not before."""
    argv = [str(PROJECT / ".venv/bin/fab"), "publish", "--stack", stack.name, "--source", str(source), "--every", "10s"]
    with said.open("ab") as output:
        process = subprocess.Popen(argv, cwd=PROJECT, env=stack.environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def test_it_publishes_on_the_clock_and_goes_on_after_it_was_killed(
    stack: LabStack, source: Callable[[int], str], tmp_path: Path
) -> None:
    link, said = tmp_path / "results", tmp_path / "said"
    link.symlink_to(source(1))
    before, began = version(stack), time.monotonic()
    at_the_edge = edge_version(stack)  # and by nobody for as long as an answer may be old

    def becomes_newer(number: int) -> None:
        known, new = version(stack), tmp_path / "new"
        new.symlink_to(source(number))
        new.replace(link)
        wait_for(lambda: version(stack) > known, said)

    with ticking(stack, link, said):
        wait_for(lambda: version(stack) != before, said)  # at once
        becomes_newer(2)  # with the next tick
        becomes_newer(3)
    with ticking(stack, link, said) as process:
        link.unlink()
        link.symlink_to(source(4))
        wait_for(lambda: "receive" in said.read_text().rpartition("5 hosts changed")[2], said)
        process.kill()
    with ticking(stack, link, said):
        becomes_newer(5)
        wait_for(lambda: "locked by" not in stack.fab("status"), said)
    assert len(set(shown(stack).values())) == 1
    time.sleep(max(0.0, OLDEST_SECONDS + 1 - (time.monotonic() - began)))
    assert edge_version(stack) == version(stack) != at_the_edge
