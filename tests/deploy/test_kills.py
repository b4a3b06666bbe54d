"""A publication that is killed at any moment: no request fails, and the next one goes through."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from roles.hosts.state import Observation, observe
from roles.scripts.layout import INCOMING, SNAPSHOTS
from tests.deploy.test_guards import app_hosts, on_host
from tests.deploy.test_never_back import reading
from tests.deploy.test_ticks import counted
from tests.stands.lab import PROJECT, SMALL, LabStack
from tests.stands.results import source_of

BUILD = ("reading", "adding up", "writing")
SHIP = ("== receive", "barat-app-1: receive", "timur-app-2: receive: done")
SWITCH = ("== switch", "timur-app-1: switch", "barat-app-2: switch: done", "== show it", "edge-1: show")
RECORD = ("edge-1: show: done",)
"""What a publication says as it begins and ends each of its parts; after the last one it writes into the logs."""

LONGEST_SECONDS = {BUILD: 0.6, SHIP: 0.3, SWITCH: 0.08, RECORD: 0.5}
"""How long each goes on after it said so: it is killed at once, and somewhere in between."""


@dataclass(frozen=True)
class Kill:
    """When a publication is killed, and what of it.

    Args:
        line: What it says just before.
        seconds: How long after that.
        all_of_it: Whether what builds the snapshot is killed too, which is a process of its own.
        same: Whether the next publication is of the same results.
    """

    line: str
    seconds: float
    all_of_it: bool
    same: bool


def kills(chance: random.Random, *, of_each: int) -> list[Kill]:
    """Of each part so many, some at its very beginning."""
    return [
        Kill(line, chance.choice((0.0, chance.uniform(0, longest))), chance.random() < 0.5, chance.random() < 0.5)
        for lines, longest in LONGEST_SECONDS.items()
        for line in chance.sample(lines * of_each, of_each)
    ]


def all_kills(chance: random.Random) -> list[Kill]:
    """At each line, and in the middle of what follows it."""
    return [
        Kill(line, chance.uniform(0, longest) if later else 0.0, all_of_it, chance.random() < 0.5)
        for lines, longest in LONGEST_SECONDS.items()
        for line in lines
        for later in (False, True)
        for all_of_it in ((False, True) if lines == BUILD else (True,))
    ]


def publish_and_kill(stack: LabStack, source: str, kill: Kill) -> None:
    argv = [str(PROJECT / ".venv/bin/fab"), "publish", "--stack", stack.name, "--source", source]
    with subprocess.Popen(
        argv,
        cwd=PROJECT,
        env=stack.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        assert process.stdout
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if line.startswith(kill.line):
                break
        assert said[-1].startswith(kill.line), "".join(said)
        time.sleep(kill.seconds)
        (os.killpg if kill.all_of_it else os.kill)(process.pid, signal.SIGKILL)


def look(stack: LabStack) -> Observation:
    fleet = stack.fleet()
    try:
        return observe(fleet, newest=10)
    finally:
        fleet.close()


def assert_nothing_is_half_made(stack: LabStack) -> None:
    """In dist/ there are snapshots that were signed, and on hosts those that are shown and the ones before."""
    built = PROJECT / "dist/snapshots"
    assert [path.name for path in built.iterdir() if not (path / "snapshot.json.sig").exists()] == []
    hidden = [path for path in (PROJECT / "dist").rglob(".*") if path.name != ".made"]
    assert hidden == []
    strange = [
        path
        for path in built.glob("*/.made/*")
        if not re.search(r"(\.json(\.sha256)?|\.arrow|\.tar\.gz(\.\w+)?)$", path.name)
    ]
    assert strange == []
    for host in app_hosts(stack):
        there = on_host(stack, host, "ls", "-A", str(SNAPSHOTS)).split()
        assert "current" in there
        assert all(re.fullmatch(r"current|\d+T\d+Z-[0-9a-f]{10}", name) for name in there), there
        assert len(there) <= 3, there
        assert on_host(stack, host, "sh", "-c", f"ls -A {INCOMING} 2> /dev/null || true").split() == []


def assert_all_show_the_newest(seen: Observation) -> None:
    newest = seen.log.snapshot
    assert {seen.states[host.name].snapshot for host in seen.inventory.with_role("app")} == {newest}
    assert {seen.states[host.name].shown for host in seen.inventory.with_role("edge")} == {newest}
    assert set(seen.servers.values()) == {"up"}
    assert seen.lock is None


def assert_log_tells_all(before: Observation, after: Observation) -> None:
    """Of what was killed too, as far as it had begun."""
    newest = after.history[-1]
    assert (newest.action, newest.result, newest.snapshot) == ("publish", "ok", after.log.snapshot)
    if before.lock and before.lock.intent:
        ids = {entry.id: entry for entry in after.history}
        assert ids[before.lock.intent.id].snapshot == before.lock.intent.target


@pytest.fixture
def source(stack: LabStack, tmp_path: Path) -> Generator[Callable[[int], str], None, None]:
    """The directory of a publication's tables; what was shown before is shown again in the end."""

    def made(number: int) -> str:
        directory = tmp_path / str(number)
        return str(directory if directory.exists() else source_of(directory, stations=counted(number)))

    stack.fab("publish", "--source", made(1))
    yield made
    stack.fab("publish", "--source", SMALL, "--correction", "Uji coba selesai.")


def check_kills(stack: LabStack, source: Callable[[int], str], chosen: list[Kill]) -> None:
    with reading(stack) as seen:
        for number, kill in enumerate(chosen, start=1):
            publish_and_kill(stack, source(2 * number), kill)
            before = look(stack)
            said = stack.fab("publish", "--source", source(2 * number + (0 if kill.same else 1)))
            after = look(stack)
            assert seen.failures == [], kill
            assert_all_show_the_newest(after)
            assert_log_tells_all(before, after)
            assert ("was interrupted; it is ended first" in said) is (before.lock is not None), kill
            assert_nothing_is_half_made(stack)
    assert seen.failures == []
    assert len(seen.times) > len(chosen) / 2


def test_a_publication_that_is_killed_anywhere_is_followed_by_one_that_goes_through(
    stack: LabStack, source: Callable[[int], str]
) -> None:
    check_kills(stack, source, kills(random.Random(20190417), of_each=1))  # noqa: S311  # nothing secret


@pytest.mark.night
def test_a_publication_that_is_killed_at_every_step_and_within_it_is_followed_by_one_that_goes_through(
    stack: LabStack, source: Callable[[int], str]
) -> None:
    check_kills(stack, source, all_kills(random.Random(20190418)))  # noqa: S311  # nothing secret


def test_a_publication_that_was_killed_and_that_nobody_can_send_any_more_is_undone_by_the_next(
    stack: LabStack, source: Callable[[int], str]
) -> None:
    publish_and_kill(stack, source(2), Kill("barat-app-1: receive", 0.0, all_of_it=True, same=False))
    before = look(stack)
    assert before.lock
    assert before.lock.intent
    target = before.lock.intent.target
    shutil.rmtree(PROJECT / "dist/snapshots" / target)
    with reading(stack) as seen:
        said = stack.fab("publish", "--source", source(3))
    assert f"the publication of {target} was interrupted, and it is not in dist/: it is undone" in said
    assert seen.failures == []
    after = look(stack)
    assert_all_show_the_newest(after)
    assert f"{before.lock.intent.id}-aborted" in {entry.id for entry in after.history}
    assert_nothing_is_half_made(stack)
