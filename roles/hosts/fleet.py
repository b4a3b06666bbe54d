"""The hosts of a stack, reached side by side, each over one connection."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host, Inventory
from roles.hosts.connection import Remote
from roles.hosts.login import log_in_with

AT_ONCE = 32
"""Hosts that are worked on at the same time: while one unpacks, another waits for its service."""

T = TypeVar("T")


@dataclass(frozen=True)
class Fleet:
    """The stack's hosts.

    Args:
        inventory: The stack's inventory.
        remotes: A remote for each host, by name.
        missing: What was looked up and can't be reached, by name: a host without keys, or a whole location.
    """

    inventory: Inventory
    remotes: Mapping[str, Remote] = field(repr=False)
    missing: Mapping[str, OperatorError] = field(default_factory=dict[str, OperatorError])

    @classmethod
    def of(cls, inventory: Inventory, directory: Path, missing: Mapping[str, OperatorError] | None = None) -> "Fleet":
        """The fleet of an inventory; nothing is connected yet.

        Args:
            inventory: The stack's inventory.
            directory: The project's folder.
            missing: What was looked up and can't be reached, by name.

        Raises:
            OperatorError: The operators' key can't be used.
        """
        login = log_in_with(inventory.operator_key, directory)
        return cls(inventory, {host.name: Remote(host, login) for host in inventory.hosts}, missing or {})

    def __getitem__(self, host: Host) -> Remote:
        return self.remotes[host.name]

    def on_each(self, hosts: Iterable[Host], act: Callable[[Host], T]) -> dict[str, T | OperatorError]:
        """Do something on each host, side by side; what fails on one is its result.

        Args:
            hosts: Each host once.
            act: Called in a thread of its own for each host.
        """

        def attempt(host: Host) -> T | OperatorError:
            try:
                return act(host)
            except OperatorError as error:
                return error

        listed = list(hosts)
        with ThreadPoolExecutor(AT_ONCE) as executor:
            return dict(zip((host.name for host in listed), executor.map(attempt, listed), strict=True))

    def all_or_error(self, hosts: Iterable[Host], act: Callable[[Host], T]) -> dict[str, T]:
        """Do something on each host, side by side.

        Raises:
            OperatorError: It failed on a host; the message names every host that it failed on.
        """
        results = self.on_each(hosts, act)
        failed = [result for result in results.values() if isinstance(result, OperatorError)]
        if len(failed) == 1:
            raise failed[0]
        if failed:
            sentence = f"{len(failed)} hosts: " + "; ".join(error.message for error in failed)
            raise OperatorError(sentence, next_command=failed[0].next_command, exit_code=failed[0].exit_code)
        return {name: result for name, result in results.items() if not isinstance(result, OperatorError)}

    def close(self) -> None:
        """Close all connections."""
        for remote in self.remotes.values():
            remote.close()
