"""Who owns a stack's lab on this machine, and the clearing of what a dead owner left."""

import json
import shlex
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.files import PRIVATE_DIRECTORY, make_directory, write_whole
from infra.lab import bridge, machine
from infra.lab.disk import Disk
from infra.lab.paths import STACKS, stack_directory

OWNER = "owner"
BRIDGES = "bridges"


@dataclass(frozen=True)
class CheckoutMark:
    """Whose a stack's lab is.

    Args:
        claim: The id of the claim that the owner's state has. It, and nothing else, says whose the lab is.
        checkout: The folder that it was last brought up from; people are told, and no decision hangs on it but one: a
            state that knows of no claim takes over what its own folder left when it was killed.
    """

    claim: str
    checkout: str


def claim_stack(stack: str, mark: CheckoutMark) -> None:
    """Make the stack's directory and mark it as the owner's; fine if it is already.

    Raises:
        OperatorError: Another checkout runs a stack of this name here.
    """
    found = read_mark(stack)
    if found is not None and found.claim != mark.claim and found.checkout != mark.checkout:
        raise OperatorError(
            f"stack '{stack}' already runs on this machine from the checkout {found.checkout}; nothing was changed",
            next_command=f"cd {shlex.quote(found.checkout)} && .venv/bin/fab down --stack {stack}, or, "
            f"if that checkout is gone, .venv/bin/python -m infra.lab sweep {stack}",
        )
    directory = stack_directory(stack)
    make_directory(directory, PRIVATE_DIRECTORY)
    make_directory(directory / BRIDGES)
    write_whole(directory / OWNER, json.dumps(asdict(mark)).encode())


def read_mark(stack: str) -> CheckoutMark | None:
    """Whose the stack's lab is; None if nobody has one here."""
    try:
        text = (stack_directory(stack) / OWNER).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:  # a sweep may remove it at any moment
        return None
    try:
        return CheckoutMark(**json.loads(text))
    except (ValueError, TypeError):  # cut off, or of another version: somebody's, and not known whose
        return CheckoutMark("", text.strip())


def note_bridge(stack: str, name: str) -> None:
    """Remember that a bridge is the stack's, before it is made: a sweep finds it whatever happened."""
    write_whole(stack_directory(stack) / BRIDGES / name, b"")


def release(stack: str, claim: str) -> None:
    """Clear the stack's lab, if it is this claim's; what another one has taken over stays as it is."""
    found = read_mark(stack)
    if found is not None and found.claim == claim:
        sweep(stack)


def sweep(stack: str) -> None:
    """End and remove everything the stack has on this machine, whatever any state says; fine if there is nothing."""
    directory = stack_directory(stack)
    for host in _entries(directory / "hosts"):
        disk = Disk(host)
        machine.end(disk)
        disk.delete()
    for note in _entries(directory / BRIDGES):
        if (bridge.owner_of(note.name) or stack).partition("/")[0] == stack:
            bridge.remove_bridge(note.name)
        note.unlink()
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
