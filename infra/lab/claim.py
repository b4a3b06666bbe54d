"""Who owns a stack's lab on this machine, and the clearing of what a dead owner left."""

import shutil
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.lab import bridge, machine
from infra.lab.disk import Disk
from infra.lab.paths import STACKS, stack_directory

OWNER = "owner"
BRIDGES = "bridges"


def claim_stack(stack: str, owner: str) -> None:
    """Make the stack's directory and mark it as the owner's; fine if it is already.

    Args:
        stack: The stack's name.
        owner: The checkout whose state describes the lab.

    Raises:
        OperatorError: Another checkout runs a stack of this name here.
    """
    directory = stack_directory(stack)
    found = read_owner(stack)
    if found not in (None, owner):
        raise OperatorError(
            f"stack '{stack}' already runs on this machine from the checkout {found}",
            next_command=f"make down STACK={stack} there, or, if that checkout is gone, "
            f".venv/bin/python -m infra.lab sweep {stack}",
        )
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    (directory / BRIDGES).mkdir(exist_ok=True)
    new = directory / f"{OWNER}.new"
    new.write_text(owner + "\n", encoding="utf-8")
    new.replace(directory / OWNER)


def read_owner(stack: str) -> str | None:
    """The checkout that runs the stack's lab here; None if nobody does."""
    try:
        return (stack_directory(stack) / OWNER).read_text(encoding="utf-8").strip()
    except FileNotFoundError:  # a sweep may remove it at any moment
        return None


def note_bridge(stack: str, name: str) -> None:
    """Remember that a bridge is the stack's, before it is made: a sweep finds it whatever happened."""
    (stack_directory(stack) / BRIDGES / name).touch()


def sweep(stack: str) -> None:
    """End and remove everything the stack has on this machine, whatever any state says; fine if there is nothing."""
    directory = stack_directory(stack)
    for host in _entries(directory / "hosts"):
        disk = Disk(host)
        machine.end(disk)
        disk.delete()
    for mark in _entries(directory / BRIDGES):
        bridge.remove_bridge(mark.name)
        mark.unlink()
    shutil.rmtree(directory, ignore_errors=True)
    bridge.remove_shared_ground()


def stacks_here() -> list[str]:
    """The names of the stacks that have a lab on this machine."""
    return [path.name for path in _entries(STACKS)]


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except FileNotFoundError:
        return []
