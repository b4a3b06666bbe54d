"""A lab stack of the tests' own: other names and addresses than `lokal`, its own state, nothing left in the end."""

import dataclasses
import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from infra.bridge.inventory import Host, Inventory
from infra.bridge.losses import NAMED
from infra.lab.disk import Disk
from infra.lab.machine import end
from infra.lab.paths import host_directory
from roles.hosts.fleet import Fleet
from roles.stack.checkout import Checkout
from roles.stack.engine import read_outputs
from tests.stands.rooms import MARK, PROJECT, Room, room

SMALL = "samples/kpu-2019-small"
RUN_SECONDS = 300
NETWORK = "@network@"
"""Stands in settings for the part of the lab's range that the stack is given."""

SETTINGS = """config:
  tegak:network: @network@
  tegak:server_name: hasil.uji.test
  tegak:operator_key_file: .secrets/operator.pub
  tegak:locations:
"""


def lab_settings(*locations: str) -> str:
    """The settings of a stack of lab locations.

    Args:
        locations: A line of YAML for each.
    """
    return SETTINGS + "".join(f"    - {location}\n" for location in locations)


@dataclass(frozen=True)
class Result:
    """What a command printed, and how it ended."""

    code: int
    output: str


@dataclass(frozen=True)
class LabStack:
    """A stack of the tests.

    Args:
        name: The stack's name.
        directory: Where its state is.
        network: Its part of the lab's range.
        environment: With it, the engine sees this stack and no other.
    """

    name: str
    directory: Path
    network: IPv4Network
    environment: dict[str, str]

    @property
    def settings(self) -> Path:
        return PROJECT / f"stacks/Pulumi.{self.name}.yaml"

    @property
    def checkout(self) -> Checkout:
        return Checkout(PROJECT, self.name)

    def run(self, *words: str, seconds: int = RUN_SECONDS) -> Result:
        """Run a command of the virtual environment to its end, as an operator would."""
        process = self.start(*words)
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            raise AssertionError(f"{' '.join(words)} did not end within {seconds} s:\n{output}") from None
        return Result(process.returncode, output)

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command of the virtual environment."""
        argv = [str(PROJECT / ".venv/bin" / words[0]), *words[1:]]
        return subprocess.Popen(
            argv, cwd=PROJECT, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def shell(self, line: str) -> Result:
        """Run a line of bash as an operator types it; its exit code is that of what failed in it."""
        argv = ["bash", "-o", "pipefail", "-c", line]
        result = subprocess.run(
            argv, cwd=PROJECT, env=self.environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
        )
        return Result(result.returncode, result.stdout + result.stderr)

    def succeed(self, *words: str) -> str:
        """Run a command that must succeed."""
        result = self.run(*words)
        assert result.code == 0, f"{' '.join(words)} ended with {result.code}:\n{result.output}"
        return result.output

    def fail(self, *words: str) -> str:
        """Run a command that must fail as an operator's error does: a sentence, the next command, no traceback."""
        result = self.run(*words)
        assert result.code not in (0, 130), result.output
        assert "error: " in result.output
        assert "Traceback" not in result.output
        return result.output

    def fab(self, *words: str) -> str:
        """A Fabric task on this stack that must succeed."""
        return self.succeed("fab", words[0], "--stack", self.name, *words[1:])

    def fab_fails(self, *words: str) -> str:
        """A Fabric task on this stack that must fail."""
        return self.fail("fab", words[0], "--stack", self.name, *words[1:])

    def fab_then(
        self,
        words: str,
        act: Callable[["subprocess.Popen[str]"], object],
        task: str,
        *options: str,
        listen: Callable[[str], object] = lambda _: None,
    ) -> Result:
        """Start a Fabric task on this stack, and interfere once it says some words.

        Args:
            words: What it must say.
            act: Interferes, given the process.
            task: The task.
            options: Its options.
            listen: Told of each line after that, as it is said.
        """
        with self.start("fab", task, "--stack", self.name, *options) as process:
            assert process.stdout is not None
            said: list[str] = []
            for line in process.stdout:
                said.append(line)
                if words in line:
                    break
            assert process.poll() is None, "".join(said)
            act(process)
            for line in process.stdout:
                said.append(line)
                listen(line)
        return Result(process.returncode, "".join(said))

    def build(self, version: str) -> str:
        """Build a release of this checkout under another version; its name."""
        return self.succeed("fab", "build", "--version", version).split()[-1]

    def pulumi_up(self, destroy: int = 0) -> str:
        """`pulumi up`.

        Args:
            destroy: How many things it may delete or replace.
        """
        allowed = dataclasses.replace(self, environment={**self.environment, NAMED: str(destroy or "")})
        return allowed.succeed("pulumi", "up", "--yes", "--skip-preview", "-s", self.name)

    def inventory(self) -> Inventory:
        """The stack's inventory."""
        with _environment(self.environment):
            return read_outputs(PROJECT, self.name).inventory

    def fleet(self) -> Fleet:
        """The stack's hosts."""
        return Fleet.of(self.inventory(), PROJECT)

    def disk(self, host: Host) -> Disk:
        """A host's disk, as this machine sees it."""
        return Disk(host_directory(self.name, host.name))

    def cut_power(self, host: Host) -> None:
        """End a host like a power cut."""
        end(self.disk(host))

    @property
    def ca_file(self) -> Path:
        return self.checkout.stack_cache / "ca.crt"


def copy_of_checkout(target: Path, *parts: str) -> None:
    """Copy parts of this checkout, without what other tests write there meanwhile.

    Args:
        target: Where to; made, if it isn't there.
        parts: Files and folders.
    """
    for part in parts:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / part).is_dir():
            shutil.copytree(PROJECT / part, target / part, ignore=shutil.ignore_patterns("__pycache__", "Pulumi.uji*"))
        else:
            shutil.copy2(PROJECT / part, target / part)


@contextmanager
def lab_stack(what: str, settings: str) -> Generator[LabStack, None, None]:
    """A stack that the engine doesn't know yet, in a room of its own.

    Args:
        what: The last word of its name.
        settings: Its settings, with `NETWORK` for its network.
    """
    with room() as place:
        name = place.name(what)
        directory = PROJECT / ".cache/tests" / name
        (directory / "state").mkdir(parents=True)
        stack = LabStack(name, directory, place.network, _own_engine(directory, place))
        stack.settings.write_text(settings.replace(NETWORK, str(place.network)), encoding="utf-8")
        yield stack


@contextmanager
def machine_stack(what: str, *locations: str) -> Generator[LabStack, None, None]:
    """A stack whose hosts are machines for other stacks: it is up, and no role was ever applied to any."""
    with lab_stack(what, lab_settings(*locations)) as stack:
        stack.succeed("pulumi", "stack", "init", stack.name)
        stack.pulumi_up()
        yield stack


def _own_engine(directory: Path, place: Room) -> dict[str, str]:
    own = {
        "PULUMI_BACKEND_URL": f"file://{directory / 'state'}",
        "PULUMI_HOME": str(directory / "home"),
        "COLUMNS": "160",
        MARK: str(place.number),
    }
    return {**os.environ, **own, "PATH": f"{PROJECT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"}


@contextmanager
def _environment(values: dict[str, str]) -> Generator[None, None, None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
