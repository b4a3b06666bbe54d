"""A stack whose AWS account is a file: the real engine runs a program over the recording provider."""

import json
import os
import shutil
import subprocess
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stands.graph import EnginePlan, Graph, read_graph, read_plan, read_planned_graph
from tests.stands.lab import PROJECT, Result
from tests.stands.recording.world import WORLD_VARIABLE

PROVIDER = PROJECT / "tests/stands/recording/bin"
RUN_SECONDS = 300
KEYS_OF_THE_ENGINE = ("encryptionsalt:", "encryptedkey:", "secretsprovider:")
"""What it writes into the settings of a stack that it knows: secrets of another one's, here."""

SMALL_PROJECT = """name: uji
runtime: python
options:
  refresh: always
"""


@dataclass(frozen=True)
class RecordedStack:
    """A stack of the tests, with an account, a state and a passphrase of its own.

    Args:
        name: The stack's name.
        directory: The project's folder; account and state are in it too.
        settings: The stack's settings.
    """

    name: str
    directory: Path
    settings: Path

    @property
    def world(self) -> Path:
        """The account: see tests/stands/recording/world.py."""
        return self.directory / "world.json"

    @property
    def environment(self) -> dict[str, str]:
        """With it the engine sees this stack, this account and no other, and downloads nothing."""
        own = {
            "PULUMI_BACKEND_URL": f"file://{self.directory / 'state'}",
            "PULUMI_HOME": str(self.directory / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "only for tests",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            WORLD_VARIABLE: str(self.world),
            "AWS_EC2_METADATA_DISABLED": "true",
            # The whole state is written once, not with each of 300 resources: nobody stops an `up` here.
            "PULUMI_EXPERIMENTAL": "true",
            "PULUMI_SKIP_CHECKPOINTS": "true",
        }
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PULUMI_"))}
        return {**kept, **own, "PATH": os.pathsep.join((str(PROVIDER), str(PROJECT / ".venv/bin"), os.environ["PATH"]))}

    def pulumi(self, *words: str) -> Result:
        """Run the engine to its end: everything that it printed, and its exit code."""
        process = self._run(*words, output=subprocess.STDOUT)
        return Result(process.returncode, process.stdout)

    def succeed(self, *words: str) -> str:
        """Run the engine, which must succeed; what it wrote to its standard output."""
        process = self._run(*words, output=subprocess.PIPE)
        assert process.returncode == 0, f"pulumi {' '.join(words)}: {_errors(process.stdout) or process.stderr}"
        return process.stdout

    def fail(self, *words: str) -> str:
        """Run the engine, which must refuse, without a traceback."""
        result = self.pulumi(*words)
        assert result.code != 0, result.output
        assert "Traceback" not in result.output
        return result.output

    def init(self) -> None:
        """Make the stack known to the engine."""
        (self.directory / "state").mkdir(parents=True, exist_ok=True)
        self.succeed("stack", "init", self.name)

    def preview(self) -> EnginePlan:
        """What `up` would do."""
        return read_plan(json.loads(self.succeed("preview", "--json", "-s", self.name)))

    def planned(self) -> Graph:
        """What would be there after `up`."""
        return read_planned_graph(json.loads(self.succeed("preview", "--json", "-s", self.name)))

    def up(self) -> Graph:
        """Make what the program says; what is there then."""
        self.succeed("up", "--yes", "--skip-preview", "-s", self.name)
        return self.graph()

    def refuse(self, command: str = "preview") -> str:
        """What the engine says as it refuses to preview, to go `up` or to `destroy`."""
        return self.fail(command, *(() if command == "preview" else ("--yes", "--skip-preview")), "-s", self.name)

    def refresh(self) -> Graph:
        """Look at the account; what is there then."""
        self.succeed("refresh", "--yes", "--skip-preview", "-s", self.name)
        return self.graph()

    def unprotect(self) -> None:
        """Let everything be destroyed."""
        self.succeed("state", "unprotect", "--all", "--yes", "-s", self.name)

    def destroy(self) -> None:
        """Remove everything."""
        self.succeed("destroy", "--yes", "--skip-preview", "-s", self.name)

    def graph(self) -> Graph:
        """What the stack has, by the engine's state."""
        return read_graph(json.loads(self.succeed("stack", "export", "-s", self.name)))

    def things(self) -> list[dict[str, Any]]:
        """What is in the account."""
        return json.loads(self.world.read_text(encoding="utf-8"))["things"]

    def change_things(self, things: list[dict[str, Any]]) -> None:
        """Change the account behind the engine's back."""
        made = json.loads(self.world.read_text(encoding="utf-8"))["made"]
        self.world.write_text(json.dumps({"made": made, "things": things}), encoding="utf-8")

    def _run(self, *words: str, output: int) -> "subprocess.CompletedProcess[str]":
        argv = [str(PROJECT / ".venv/bin/pulumi"), "--non-interactive", "--color=never", *words]
        return subprocess.run(
            argv,
            cwd=self.directory,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=output,
            timeout=RUN_SECONDS,
            check=False,
        )


def _errors(printed: str) -> str:
    """What went wrong, out of what the engine printed; with --json that is a long document."""
    if printed.startswith("{"):
        return "".join(diagnostic["message"] for diagnostic in json.loads(printed).get("diagnostics", []))
    return printed


def own_stack(name: str, directory: Path, settings: str | None = None) -> RecordedStack:
    """A stack of this project's own program, beside the checkout: none of its files is written to.

    Args:
        name: Whose settings in stacks/ it starts with.
        directory: An empty folder.
        settings: Other settings.
    """
    own = directory / "stacks" / f"Pulumi.{name}.yaml"
    own.parent.mkdir()
    text = settings or (PROJECT / "stacks" / own.name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith(KEYS_OF_THE_ENGINE)]
    own.write_text("".join(lines), encoding="utf-8")
    shutil.copy(PROJECT / "Pulumi.yaml", directory)
    (directory / "infra").symlink_to(PROJECT / "infra")
    stack = RecordedStack(name, directory, own)
    stack.init()
    return stack


def small_stack(directory: Path, program: str, config: Mapping[str, str] | None = None) -> RecordedStack:
    """A stack of a small program.

    Args:
        directory: An empty folder.
        program: The program's text.
        config: Plain configuration.
    """
    (directory / "Pulumi.yaml").write_text(SMALL_PROJECT, encoding="utf-8")
    write_program(directory, program)
    stack = RecordedStack("uji", directory, directory / "Pulumi.uji.yaml")
    lines = [
        f"  {key}: {value}" for key, value in ({"aws:region": "ap-southeast-3"} if config is None else config).items()
    ]
    stack.settings.write_text("\n".join(["config:", *lines, ""]), encoding="utf-8")
    stack.init()
    return stack


def write_program(directory: Path, program: str) -> None:
    """Write or rewrite a small program; Python's cache of the old one goes."""
    shutil.rmtree(directory / "__pycache__", ignore_errors=True)
    (directory / "__main__.py").write_text(textwrap.dedent(program), encoding="utf-8")
