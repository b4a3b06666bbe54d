"""A run of the tests that is killed: what it leaves is cleared by the next one."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from infra.lab.paths import stack_directory
from infra.lab.processes import processes, read
from tests.stands.rooms import MARK, PROJECT, Room, room
from tests.traces import traces

DIES = """
from pathlib import Path
from tests.stands.lab import lab_settings, lab_stack

def test_that_is_killed():
    with lab_stack("mati", lab_settings("{name: barat, kind: lab, network: 1, app_hosts: 1}")) as stack:
        Path(__file__).with_name("name").write_text(stack.name)
        stack.succeed("pulumi", "stack", "init", stack.name)
        stack.pulumi_up()
"""
PATIENCE_SECONDS = 120


def commands_in(place: Room) -> list[int]:
    return [pid for pid in processes() if f"{MARK}={place.number}" in read(pid, "environ").split("\0")]


def killed_run(directory: Path) -> str:
    """Run a test, and kill it as soon as the first of its hosts is started; the name of its stack."""
    file, named = directory / "test_dies.py", directory / "name"
    file.write_text(DIES)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={directory}", str(file)]
    with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (named.exists() and any(stack_directory(named.read_text()).glob("hosts/*/machine"))):
            assert run.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        run.kill()
    assert run.returncode == -signal.SIGKILL
    return named.read_text()


def test_what_a_killed_run_leaves_is_cleared_by_the_next_down_to_its_commands(tmp_path: Path) -> None:
    stack = killed_run(tmp_path)
    left = Room(int(stack.removeprefix("uji").partition("-")[0]))
    assert traces(stack, left.network)
    assert commands_in(left)  # the engine goes on, and makes hosts
    with room():
        assert commands_in(left) == []
        time.sleep(1)
        assert traces(stack, left.network) == []
        assert not (PROJECT / f"stacks/Pulumi.{stack}.yaml").exists()
