"""Out of the pool and back: the steps for it, at whoever divides a location's requests over its app hosts.

A plan asks `pool_of` for a location's pool, and knows nothing of its kind.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from infra.bridge.inventory import GroupLocation, Host, Inventory
from roles.aws import targets
from roles.hosts.pool import DRAIN_SECONDS, UP_SECONDS
from roles.rollout.plan import Call, Gate, Step
from roles.scripts import pool
from roles.scripts.layout import APP_HOSTS


class Pool(Protocol):
    """Who divides a location's requests. `answering` are the names of all hosts of the stack that do."""

    def can_drain(self, answering: Collection[str]) -> bool:
        """Whether its hosts can be taken out now."""
        ...

    def drains(
        self, host: Host, answering: Collection[str], *, in_pool: bool, was_up: bool, check: bool = True
    ) -> list[Step]:
        """Steps that send a host no new requests, and wait until it has none left.

        Args:
            host: The host.
            answering: Hosts that answer.
            in_pool: Whether undoing puts it back.
            was_up: Whether undoing waits until it is found up.
            check: Whether to wait at all.
        """
        ...

    def undrains(self, host: Host, answering: Collection[str], *, wait: bool) -> list[Step]:
        """Steps that send a host requests again; if asked for, once it is found up."""
        ...

    def waits_until_up(self, host: Host, answering: Collection[str]) -> list[Step]:
        """Steps that wait until a host is found up."""
        ...

    def gate(self, canary: Host, others: Sequence[str], answering: Collection[str]) -> Gate:
        """Where a canary is measured against the others."""
        ...


def pool_of(inventory: Inventory, location: str) -> Pool:
    """The pool of a location."""
    found = next(place for place in inventory.locations if place.name == location)
    return TargetGroup(found, inventory) if isinstance(found, GroupLocation) else Balancers(found.name, inventory)


@dataclass(frozen=True)
class Balancers:
    """The load balancers of a location, which are hosts with HAProxy."""

    location: str
    inventory: Inventory

    def can_drain(self, answering: Collection[str]) -> bool:
        """Whether one of them answers."""
        return bool(self._answering(answering))

    def drains(
        self, host: Host, answering: Collection[str], *, in_pool: bool, was_up: bool, check: bool = True
    ) -> list[Step]:
        """Described at `Pool`."""
        return [
            drain(balancer, APP_HOSTS, host.name, in_pool=in_pool, was_up=was_up, check=check)
            for balancer in self._answering(answering)
        ]

    def undrains(self, host: Host, answering: Collection[str], *, wait: bool) -> list[Step]:
        """Described at `Pool`."""
        return [undrain(balancer, APP_HOSTS, host.name, wait=wait) for balancer in self._answering(answering)]

    def waits_until_up(self, host: Host, answering: Collection[str]) -> list[Step]:
        """Described at `Pool`."""
        up = pool.wait_until_up(APP_HOSTS, host.name, UP_SECONDS)
        return [Step("wait until found up", balancer, up) for balancer in self._answering(answering)]

    def gate(self, canary: Host, others: Sequence[str], answering: Collection[str]) -> Gate:
        """Described at `Pool`."""
        return Gate(self._answering(answering)[0], APP_HOSTS, (canary.name,), tuple(others))

    def _answering(self, answering: Collection[str]) -> list[Host]:
        return [host for host in self.inventory.with_role("lb", self.location) if host.name in answering]


@dataclass(frozen=True)
class TargetGroup:
    """The target group of a location of kind `aws`."""

    location: GroupLocation
    inventory: Inventory

    def can_drain(self, answering: Collection[str]) -> bool:  # noqa: ARG002  # whoever answers: AWS is asked
        """Always."""
        return True

    def drains(
        self, host: Host, answering: Collection[str], *, in_pool: bool, was_up: bool, check: bool = True
    ) -> list[Step]:
        """Described at `Pool`."""
        back, up = self._call("register", host), self._call("wait_until_healthy", host)
        return [
            Step(
                f"drain {host.name}",
                self._fenced_by(host, answering),
                self._call("deregister", host),
                self._call("wait_until_drained", host) if check else None,
                back if in_pool else None,
                up if in_pool and was_up else None,
            )
        ]

    def undrains(self, host: Host, answering: Collection[str], *, wait: bool) -> list[Step]:
        """Described at `Pool`."""
        return [
            Step(
                f"undrain {host.name}",
                self._fenced_by(host, answering),
                self._call("register", host),
                self._call("wait_until_healthy", host) if wait else None,
                self._call("deregister", host),
                self._call("wait_until_drained", host),
            )
        ]

    def waits_until_up(self, host: Host, answering: Collection[str]) -> list[Step]:
        """Described at `Pool`."""
        up = self._call("wait_until_healthy", host)
        return [Step("wait until found up", self._fenced_by(host, answering), up)]

    def gate(self, canary: Host, others: Sequence[str], answering: Collection[str]) -> Gate:  # noqa: ARG002
        """Described at `Pool`. The load balancer doesn't tell its hosts apart: each is measured by itself."""
        return Gate(canary, None, (canary.name,), tuple(others))

    def _call(self, name: str, host: Host) -> Call:
        place = self.location

        def act() -> None:
            targets.ACTS[name](place, str(host.address))

        return Call(f"{name} {host.address} in {place.target_group_arn}", act)

    def _fenced_by(self, host: Host, answering: Collection[str]) -> Host:
        """Who is asked whether the lock is still ours: the host itself, or another one where it doesn't answer."""
        if host.name in answering:
            return host
        return next((other for other in self.inventory.hosts if other.name in answering), host)


def drain(on: Host, backend: str, server: str, *, in_pool: bool, was_up: bool, check: bool = True) -> Step:
    """A step that takes a server out of an HAProxy's backend; described at `Pool.drains`."""
    back = pool.undrain(backend, server) if in_pool else None
    back_check = pool.wait_until_up(backend, server, UP_SECONDS) if in_pool and was_up else None
    idle = pool.wait_until_idle(backend, server, DRAIN_SECONDS) if check else None
    return Step(f"drain {server}", on, pool.drain(backend, server), idle, back, back_check)


def undrain(on: Host, backend: str, server: str, *, wait: bool) -> Step:
    """A step that puts a server back into an HAProxy's backend; described at `Pool.undrains`."""
    up = pool.wait_until_up(backend, server, UP_SECONDS) if wait else None
    idle = pool.wait_until_idle(backend, server, DRAIN_SECONDS)
    return Step(f"undrain {server}", on, pool.undrain(backend, server), up, pool.drain(backend, server), idle)
