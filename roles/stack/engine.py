"""Asking the Pulumi engine."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Inventory, parse_inventory
from infra.bridge.origin import Origin, parse_origin
from roles.stack.kept_state import refuse_damage
from roles.stack.names import settings_file

NOT_STARTED = (126, 127)
"""How a shell ends that finds no program to start, or may not start it."""

_OUTPUTS = ("stack", "output", "--json")
UNREADABLE_NOTE = re.compile(r"could not parse file ([^:]+):")


@dataclass(frozen=True)
class Outputs:
    """A stack's outputs."""

    inventory: Inventory
    url: str
    ca_certificate: str | None


def environment(project: Path) -> dict[str, str]:
    """The environment in which `pulumi` is found, whether or not the virtual environment is active."""
    return {**os.environ, "PATH": f"{project / '.venv/bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


def ask(project: Path, *words: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a pulumi command that only reads.

    Args:
        project: The checkout.
        words: The command's.
        variables: More of its environment.

    Raises:
        OperatorError: There is no pulumi.
    """
    argv = ["pulumi", "--non-interactive", *words]
    try:
        env = {**environment(project), **(variables or {})}
        return subprocess.run(argv, cwd=project, env=env, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise OperatorError("pulumi is not installed in this checkout", next_command="make engine") from error


def has_resources(project: Path, stack: str) -> bool:
    """Whether there is anything of the stack, as far as the engine knows."""
    listed: list[dict[str, object]] = json.loads(ask(project, "stack", "ls", "--json").stdout or "[]")
    return any(each["name"] == stack and each.get("resourceCount") for each in listed)


def planned_steps(project: Path, stack: str, variables: Mapping[str, str]) -> list[dict[str, object]]:
    """What the engine would do: each step with an operation and the URN of what it is done to.

    Args:
        project: The checkout.
        stack: The stack.
        variables: More of the engine's environment.

    Raises:
        OperatorError: It has no plan; its own words are shown before that.
    """
    result = ask(project, "preview", "--json", "-s", stack, variables=variables)
    try:
        plan: dict[str, list[dict[str, object]]] = json.loads(result.stdout)
    except ValueError:
        plan = {}
    if result.returncode != 0 or "steps" not in plan:
        words = [str(each["message"]) for each in plan.get("diagnostics", []) if each["severity"] == "error"]
        sys.stderr.write("".join(f"{line.strip()}\n" for line in words or [result.stderr]))
        command = f"pulumi preview -s {stack}"
        raise OperatorError(f"`{command}` failed (its own message is above); nothing was changed", next_command=command)
    return plan["steps"]


def read_selected(project: Path) -> tuple[str, Outputs]:
    """Name and outputs of the stack that `pulumi stack select` chose; the engine is asked for both at the same time.

    Raises:
        OperatorError: None is selected, or it was never brought up.
    """
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(ask, project, *_OUTPUTS)
        name = selected_stack(project)
    return name, _read(project, name, answer.result())


def read_outputs(project: Path, stack: str) -> Outputs:
    """Read the stack's outputs.

    Raises:
        OperatorError: There is no such stack, or it was never brought up.
    """
    return _read(project, stack, ask(project, *_OUTPUTS, "-s", stack))


def _read(project: Path, stack: str, result: subprocess.CompletedProcess[str]) -> Outputs:
    if result.returncode != 0:
        raise _why_unread(project, stack, "outputs", result)
    outputs: dict[str, object] = json.loads(result.stdout or "{}")
    if "inventory" not in outputs:
        raise OperatorError(
            f"stack '{stack}' is not up: it has no output 'inventory'", next_command=f"pulumi up -s {stack}"
        )
    certificate = outputs.get("ca_certificate")
    return Outputs(
        parse_inventory(outputs["inventory"]), str(outputs.get("url")), str(certificate) if certificate else None
    )


def read_origin(project: Path, stack: str) -> Origin:
    """Read the secret output that load balancers behind a CDN need.

    Raises:
        OperatorError: There is none, or the stack's secrets can't be decrypted here.
    """
    result = ask(project, "stack", "output", "origin", "--show-secrets", "--json", "-s", stack)
    if result.returncode != 0:
        raise _why_unread(project, stack, "secrets", result)
    return parse_origin(json.loads(result.stdout))


def selected_stack(project: Path) -> str:
    """The stack that `pulumi stack select` chose.

    Raises:
        OperatorError: None is selected.
    """
    result = ask(project, "stack", "--show-name")
    if result.returncode == 0:
        return result.stdout.strip()
    words, note = _words(result), UNREADABLE_NOTE.search(result.stderr)
    if "no stack selected" in words:
        raise OperatorError("no stack is selected", next_command="pulumi stack select lokal, or --stack lokal")
    raise OperatorError(
        f"which stack is selected can't be read: {words}",
        next_command=f"{f'rm {shlex.quote(note[1])}, then ' if note else ''}the same with --stack NAME",
    )


def _why_unread(project: Path, stack: str, what: str, result: subprocess.CompletedProcess[str]) -> OperatorError:
    """Why the engine didn't answer, with what can be typed in the state that it is in."""
    words = _words(result)
    if result.returncode in NOT_STARTED:
        return OperatorError(f"pulumi can't be started: {words}", next_command="make engine")
    try:
        refuse_damage(project, stack)
        if "no stack named" in words:
            settings_file(project, stack)
            return OperatorError(f"there is no stack '{stack}' yet", next_command=f"fab up --stack {stack}")
    except OperatorError as error:
        return error
    shown = " --show-secrets" if what == "secrets" else ""
    return OperatorError(
        f"the {what} of stack '{stack}' can't be read: {words}", next_command=f"pulumi stack output{shown} -s {stack}"
    )


def _words(result: subprocess.CompletedProcess[str]) -> str:
    return (result.stderr.strip().splitlines() or ["no message"])[0].removeprefix("error: ")
