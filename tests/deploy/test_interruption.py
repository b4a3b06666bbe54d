"""A rollout that is killed at any step is resumed or aborted, and no request fails."""

import re
import subprocess
from pathlib import Path

import pytest

from roles.artefacts.release import build_release
from roles.hosts.state import Observation, observe
from tests.deploy.clients import asking
from tests.deploy.faults import refusing
from tests.deploy.sources import other_configuration, release_of
from tests.deploy.test_rollout import on_host, running, url
from tests.stands.lab import LabStack

pytestmark = pytest.mark.night

KILLED = -9
LAST = "timur-app-2: undrain"


def steps_of(output: str) -> list[str]:
    """The lines that say that a step begins or has ended, without its time: where a rollout can be killed."""
    lines = [re.sub(r", [\d.]+ s$", "", line) for line in output.splitlines()]
    return [line for line in lines if re.match(r"\S+-\d: [a-z]", line)]


def kill_at(stack: LabStack, line: str, release: str) -> bool:
    """Deploy, and kill it with SIGKILL as soon as it says a line; whether it was still running then."""
    with stack.start("fab", "deploy", "--stack", stack.name, "--release", release) as process:
        assert process.stdout is not None
        for said in process.stdout:
            if said.startswith(line):
                process.kill()
                break
        process.stdout.read()
        return process.wait() == KILLED


def look(stack: LabStack) -> Observation:
    """What the hosts have."""
    fleet = stack.fleet()
    try:
        return observe(fleet)
    finally:
        fleet.close()


def assert_consistent(stack: LabStack, release: str) -> None:
    seen = look(stack)
    assert not seen.errors
    assert {seen.states[host.name].running_release for host in seen.inventory.with_role("app")} == {release}
    assert {*seen.servers.values(), *seen.locations.values()} == {"up"}
    assert seen.lock is None
    assert not [name for name, state in seen.states.items() if state.rollouts or state.pending]


def test_a_rollout_killed_before_in_and_after_every_step_is_resumed_or_aborted_and_no_request_fails(
    stack: LabStack, tmp_path: Path
) -> None:
    (old,) = running(stack)
    new = release_of(tmp_path, "2.0.0", other_configuration).name
    places = steps_of(stack.fab("deploy", "--release", new))
    stack.fab("rollback")
    # Every step of the first host and of everything that isn't an app host; the other app hosts' steps are the same.
    places = [place for place in places if not re.match(r"(barat-app-2|timur-app-\d): ", place) or place == LAST]
    assert {re.sub(r"\S+-\d:? ?", "", place) for place in places} >= {
        "receive",
        "receive: done",
        "drain ",
        "activate",
        "activate: done",
        "configure",
        "configure: done",
    }
    current, other = old, new
    killed = 0
    for number, place in enumerate(places):
        with asking(url(stack), stack.ca_file) as tally:
            if not kill_at(stack, place, other):
                stack.fab("rollback")  # it had ended before it was killed
                continue
            killed += 1
            if look(stack).lock is None:
                assert_consistent(stack, current)  # killed before it took the lock: nothing had begun
            elif number % 2:
                stack.fab("resume")
                assert_consistent(stack, other)
                current, other = other, current
            else:
                stack.fab("abort")
                assert_consistent(stack, current)
        assert tally.failures == [], place
        assert min(tally.answers.values()) > 0
    assert killed >= len(places) - 2
    assert "no drift" in stack.fab("drift")
    if current != old:
        stack.fab("deploy", "--release", old)


def test_a_resumed_rollout_that_fails_puts_back_what_was_changed_before_it_was_killed_too(stack: LabStack) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "2.0.2").name
    assert kill_at(stack, "timur-app-1: activate", new)
    assert running(stack) == {old, new}
    with refusing(stack, "timur-app-2", new), asking(url(stack), stack.ca_file) as tally:
        output = stack.fab_fails("resume")
    assert tally.failures == []
    assert "error: timur-app-2: activate: " in output
    assert "barat-app-1: undo activate: done" in output
    assert_consistent(stack, old)


def test_what_was_interrupted_can_be_resumed_without_the_artefact_and_by_somebody_else_with_a_reason(
    stack: LabStack,
) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "2.0.1")
    assert kill_at(stack, "timur-app-1: activate", new.name)
    somebody = {**stack.environment, "TEGAK_OPERATOR": "budi"}
    argv = [str(stack.checkout.project / ".venv/bin/fab"), "resume", "--stack", stack.name]
    for file in new.path.parent.glob(f"{new.path.name}*"):
        file.unlink()
    refused = subprocess.run(
        argv, cwd=stack.checkout.project, env=somebody, capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "the stack is locked by root" in refused.stderr
    assert running(stack) == {old, new.name}
    argv += ["--reason", "root went home"]
    resumed = subprocess.run(
        argv, cwd=stack.checkout.project, env=somebody, capture_output=True, text=True, check=False
    )
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert_consistent(stack, new.name)
    newest = stack.fab("history").splitlines()[-1]
    assert "budi" in newest
    assert "root went home" in newest
    stack.fab("rollback")
    assert_consistent(stack, old)


def test_there_is_nothing_to_resume_where_nothing_was_interrupted(stack: LabStack) -> None:
    assert "no rollout was interrupted" in stack.fab_fails("resume")
    assert "no rollout was interrupted" in stack.fab_fails("abort")


def test_a_deploy_whose_release_nobody_has_any_more_can_be_undone_and_not_ended(
    stack: LabStack, tmp_path: Path
) -> None:
    (old,) = running(stack)
    new = release_of(tmp_path, "2.0.3", other_configuration)
    assert kill_at(stack, "barat-app-1: drain", new.name)
    for file in new.path.parent.glob(f"{new.path.name}*"):
        file.unlink()
    for host in stack.inventory().with_role("app"):
        on_host(stack, host.name, "rm", "-rf", f"/srv/tegak/releases/{new.name}")
    before = {name: state.managed for name, state in look(stack).states.items()}
    refused = stack.fab_fails("resume", "--reason", "the laptop that had it is lost")
    assert f"release {new.name} is neither in dist/ nor on a host that answers" in refused
    assert "it was not touched, and waits" in refused
    assert {name: state.managed for name, state in look(stack).states.items()} == before
    stack.fab("abort", "--reason", "the laptop that had it is lost")
    assert_consistent(stack, old)
    assert "no drift" in stack.fab("drift")


def test_a_lock_that_is_taken_over_by_hand_keeps_what_its_rollout_meant_to_do(stack: LabStack) -> None:
    (old,) = running(stack)
    assert kill_at(stack, "timur-app-1: activate", build_release(stack.checkout, "2.0.4").name)
    assert "fab abort undoes it" in stack.fab("lock", "--take-over", "--reason", "siti's train")
    assert "has not ended; the lock stays with this checkout" in stack.fab_fails("unlock")
    stack.fab("abort", "--reason", "siti's train")
    stack.fab("unlock")
    assert_consistent(stack, old)
