"""Several engineers, freezes, emergencies, and words that mean harm."""

import contextlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from roles.artefacts.release import build_release
from roles.scripts.layout import LOG
from tests.deploy.clients import asking
from tests.deploy.test_rollout import on_host, running, url
from tests.stands.lab import PROJECT, LabStack, copy_of_checkout

pytestmark = pytest.mark.night

VOLATILE = ("var/log", "var/lib/systemd", "var/cache", "var/lib/nginx", "var/lib/haproxy", "run", "tmp", "var/tmp")
"""What daemons write by themselves."""


@pytest.fixture
def second_checkout(stack: LabStack, tmp_path: Path) -> Path:
    """The checkout of another engineer: the same keys and back end, nothing else in common."""
    project = tmp_path / "second"
    parts = ("app", "fabric.yaml", "fabfile.py", "infra", "pyproject.toml", "roles", "samples", "stacks", "templates")
    copy_of_checkout(project, "Pulumi.yaml", *parts, str(stack.settings.relative_to(PROJECT)))
    for name in (".venv", ".secrets", "dist"):
        (project / name).symlink_to(PROJECT / name)
    return project


def second_fab(stack: LabStack, project: Path, *words: str) -> "subprocess.Popen[str]":
    """A Fabric task of the other engineer."""
    argv = [str(PROJECT / ".venv/bin/fab"), words[0], "--stack", stack.name, *words[1:]]
    environment = {**stack.environment, "TEGAK_OPERATOR": "siti", "PYTHONPATH": str(project)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(argv, cwd=project, env=environment, text=True, **pipes)  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownVariableType]


def files_of(stack: LabStack) -> dict[str, tuple[int, int, int]]:
    """Every file that hosts have written: size, mode, time of change."""
    found: dict[str, tuple[int, int, int]] = {}
    for host in stack.inventory().hosts:
        upper = stack.disk(host).upper
        for directory, _, names in os.walk(upper):
            relative = Path(directory).relative_to(upper)
            if str(relative).startswith(VOLATILE):
                continue
            for name in names:
                with contextlib.suppress(FileNotFoundError):  # a daemon's own, gone since it was listed
                    stat = (Path(directory) / name).lstat()
                    found[f"{host.name}:{relative}/{name}"] = (stat.st_size, stat.st_mode, stat.st_mtime_ns)
    return found


def test_of_two_engineers_at_once_one_goes_and_the_other_is_told_who_and_why(
    stack: LabStack, second_checkout: Path
) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "3.0.0").name
    with second_fab(stack, second_checkout, "deploy", "--release", new, "--reason", "fixes abroad") as theirs:
        assert theirs.stdout is not None
        for line in theirs.stdout:
            if "barat-app-1: drain" in line:
                break
        mine = stack.fab_fails("deploy", "--release", new)
        theirs.stdout.read()
    assert theirs.returncode == 0
    assert "the stack is locked by siti on " in mine
    assert "reason: 'fixes abroad'" in mine
    assert "nothing was changed" in mine
    assert running(stack) == {new}
    stack.fab("rollback")
    assert running(stack) == {old}


def test_an_old_holder_of_the_lock_can_not_go_on(stack: LabStack, second_checkout: Path) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "3.0.1").name
    with asking(url(stack), stack.ca_file) as tally:
        with second_fab(stack, second_checkout, "deploy", "--release", new, "--soak-seconds", "6") as theirs:
            assert theirs.stdout is not None
            for line in theirs.stdout:
                if "gate: watching" in line:
                    break
            taken = stack.fab("lock", "--take-over", "--reason", "siti's train")
            rest = theirs.stdout.read()
        assert "taken over from siti on " in taken
        assert theirs.returncode != 0
        assert "the lock was taken over" in rest
        assert "Traceback" not in rest
        assert running(stack) == {old, new}  # it stopped where it was
        stack.fab("deploy", "--release", old)  # with the lock of this checkout
        assert "locked by root" in stack.fab("status")
        stack.fab("unlock")
    assert tally.failures == []
    assert running(stack) == {old}
    assert "not locked" in stack.fab_fails("unlock")


def test_a_lock_by_hand_stops_others_and_not_its_own_checkout(stack: LabStack, second_checkout: Path) -> None:
    assert "a reason is needed" in stack.fab_fails("lock")
    stack.fab("lock", "--reason", "measuring")
    with second_fab(stack, second_checkout, "deploy") as theirs:
        assert theirs.stdout is not None
        output = theirs.stdout.read()
    assert theirs.returncode == 3
    assert "reason: 'measuring'" in output
    assert "this checkout has the lock already" in stack.fab_fails("lock", "--reason", "again")
    assert "every host has it already" in stack.fab("deploy", "--release", next(iter(running(stack))))
    stack.fab("unlock")


def test_a_freeze_stops_changes_and_not_results_and_an_emergency_goes_through_it(stack: LabStack) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "3.0.2").name
    stack.fab("freeze", "--reason", "counting in Papua")
    for task in (("deploy", "--release", new), ("rollback",), ("configure",)):
        assert "frozen by root" in stack.fab_fails(*task)
        assert "reason: 'counting in Papua'" in stack.fab_fails(*task)
    stack.fab("publish", "--source", "samples/kpu-2019-small")
    assert "needs a reason" in stack.fab_fails("deploy", "--release", new, "--emergency")
    stack.fab("deploy", "--release", new, "--emergency", "--reason", "wrong totals shown")
    assert running(stack) == {new}
    entry = json.loads(stack.fab("history", "--json").splitlines()[-1])
    assert (entry["emergency"], entry["reason"]) == (True, "wrong totals shown")
    assert entry["steps"]
    stack.fab("unfreeze", "--reason", "done")
    assert "not frozen" in stack.fab_fails("unfreeze")
    stack.fab("rollback")
    assert running(stack) == {old}


def test_half_a_line_in_the_log_of_a_host_stops_nothing_and_is_told(stack: LabStack) -> None:
    half = f'printf \'{{"id":"half of an \\303\' >> {LOG}'
    on_host(stack, "timur-app-2", "bash", "-c", half)
    stack.fab("freeze", "--reason", "after a power cut")
    assert "frozen by root: after a power cut" in stack.fab("status")
    stack.fab("unfreeze")
    told = f"timur-app-2: lines in {LOG} that are no entries, and count for nothing: 1"
    assert told in stack.fab("history")
    assert told in stack.fab_fails("drift")
    on_host(stack, "timur-app-2", "sed", "-i", "/half of an/d", str(LOG))
    assert "no entries" not in stack.fab("status")
    assert "unfreeze" in stack.fab("history").splitlines()[-1]


def test_a_rollback_skips_what_is_marked_bad(stack: LabStack) -> None:
    (old,) = running(stack)
    bad, new = (build_release(stack.checkout, version).name for version in ("3.0.3", "3.0.4"))
    stack.fab("deploy", "--release", bad)
    stack.fab("deploy", "--release", new)
    stack.fab("mark-bad", bad, "--reason", "wrong totals")
    assert f"did you mean {bad}" in stack.fab_fails("mark-bad", f"{bad}x")
    assert f"{bad} " in stack.fab("releases")
    assert "BAD: wrong totals" in stack.fab("releases")
    stack.fab("rollback")
    assert running(stack) == {old}
    stack.fab("mark-good", bad)
    assert "BAD" not in stack.fab("releases")


def test_a_dry_run_shows_what_would_run_and_writes_nothing_on_any_host(stack: LabStack) -> None:
    (current,) = running(stack)
    new = build_release(stack.checkout, "3.0.5").name
    before = files_of(stack)
    shown = stack.fab("deploy", "--release", new, "--dry-run")
    stack.fab("plan", "--release", new)
    assert files_of(stack) == before
    assert running(stack) == {current}
    assert "--- barat-lb-1: drain barat-app-1" in shown
    assert "set server results/barat-app-1 state drain" in shown
    assert re.search(rf'"act": "activate", .*"release": "/srv/tegak/releases/{new}"', shown)
    stack.fab("publish", "--source", "samples/kpu-2019-small")
    stack.fab("freeze", "--reason", "so that the comparison can fail")
    assert files_of(stack) != before
    stack.fab("unfreeze")


PROOF = Path("/tmp/pwned")  # noqa: S108
SEARCHED = ("/tmp", "/home", "/root")  # noqa: S108
HOSTILE = 'x\'; touch /tmp/pwned; "$(touch /tmp/pwned)" `touch /tmp/pwned` & \n touch /tmp/pwned\n#'


def test_words_with_shell_characters_have_no_effect(stack: LabStack) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "3.0.6").name
    for task in (
        ("deploy", "--release", HOSTILE),
        ("rollback", "--release", HOSTILE),
        ("mark-bad", HOSTILE),
        ("drain-location", HOSTILE),
        ("deploy", "--reason", "x" * 10_000),
        ("freeze", "--reason", "x" * 10_000),
    ):
        output = stack.fab_fails(*task)
        assert len(output) < 2000, task
    assert stack.fail("fab", "build", "--version", HOSTILE)
    assert stack.fail("fab", "status", "--stack", HOSTILE)
    stack.fab("deploy", "--release", new, "--reason", HOSTILE)
    assert json.loads(stack.fab("history", "--json").splitlines()[-1])["reason"] == HOSTILE
    stack.fab("rollback", "--reason", HOSTILE)
    assert running(stack) == {old}
    assert not PROOF.exists()
    for host in stack.inventory().hosts:
        assert on_host(stack, host.name, "find", *SEARCHED, "-name", f"{PROOF.name}*") == ""


def test_a_configuration_that_sshd_refuses_is_not_placed_and_said_in_its_own_words(
    stack: LabStack, second_checkout: Path
) -> None:
    template = second_checkout / "templates/base/etc/ssh/sshd_config.d/10-tegak.conf.j2"
    template.write_text(template.read_text(encoding="utf-8") + "Nonsense yes\n", encoding="utf-8")
    before = files_of(stack)
    configure = second_fab(stack, second_checkout, "configure", "--reason", "a mistake")
    output, _ = configure.communicate(timeout=120)
    assert configure.returncode == 1, output
    file = "etc/ssh/sshd_config.d/10-tegak.conf"
    assert f"/{file} (of templates/base/{file}.j2 in this checkout) is refused by sshd:" in output
    assert "Bad configuration option: Nonsense" in output  # sshd's own words
    assert "Traceback" not in output
    assert not [file for file in files_of(stack).items() - before.items() if "ssh" in file[0]]
    assert "no drift" in stack.fab("drift")
