"""A stack that is up: its hosts, what the program said of it, and what this checkout keeps for it."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.bridge.origin import Origin
from infra.bridge.signers import read_signers
from roles.hosts.fleet import Fleet
from roles.hosts.groups import with_members
from roles.stack.checkout import Checkout
from roles.stack.engine import Outputs, read_origin, read_outputs, read_selected


@dataclass(frozen=True)
class Stack:
    """A stack that is up.

    Args:
        checkout: The checkout and the stack's name.
        outputs: The stack's outputs.
        fleet: Its hosts; connections are shared by all that a task does.
    """

    checkout: Checkout
    outputs: Outputs
    fleet: Fleet

    @property
    def signers(self) -> str:
        """Who may sign releases and snapshots."""
        return read_signers(self.checkout.release_key.with_suffix(".pub"))

    @cached_property
    def origin(self) -> Origin:
        """What the load balancers that a CDN asks must know; a stack without any has none."""
        return read_origin(self.checkout.project, self.checkout.stack)

    @property
    def token_file(self) -> Path:
        """Where the token of a lock is kept that was taken by hand."""
        return self.checkout.stack_cache / "lock.token"

    @property
    def held_token(self) -> str | None:
        """The token of the lock that this checkout took by hand; None if it has none."""
        if not self.token_file.exists():
            return None
        # An empty one, of a disk that was full, is none: whose lock it is, the hosts say.
        return self.token_file.read_text(encoding="ascii", errors="replace").strip() or None


@contextmanager
def open_stack(project: Path, name: str | None) -> Generator[Stack, None, None]:
    """A stack, with connections to its hosts that are closed in the end.

    Args:
        project: The checkout.
        name: The stack; the selected one if None.

    Raises:
        OperatorError: There is no such stack, or it is not up.
    """
    name, outputs = (name, read_outputs(project, name)) if name else read_selected(project)
    checkout = Checkout(project, name)
    with open_fleet(checkout, outputs) as fleet:
        yield Stack(checkout, outputs, fleet)


@contextmanager
def open_fleet(checkout: Checkout, outputs: Outputs) -> Generator[Fleet, None, None]:
    """The stack's hosts, those of its groups as they are now.

    Raises:
        OperatorError: The operators' key can't be used, or no host can be looked up.
    """
    inventory, missing = with_members(outputs.inventory, checkout.stack_cache)
    fleet = Fleet.of(inventory, checkout.project, missing)
    try:
        yield fleet
    finally:
        fleet.close()
