"""Taking the lock of a stack: the hosts are asked, what they say is judged by itself, and then it is done."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host, Inventory
from roles.hosts.connection import UnreachableError
from roles.hosts.fleet import Fleet
from roles.hosts.lock import LockedError, LockRecord, is_majority, lock_in_force
from roles.scripts import lock as scripts


class LockAnswer(BaseModel):
    """What a host says that was asked to keep a lock.

    Args:
        held: Somebody else's lock, which it keeps instead.
        busy: Whether a step of the holder was running all the time: nothing was changed.
        changed: Whether its log has a newer entry than the plan knows of: nothing was changed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    held: Any = None
    busy: bool = False
    changed: bool = False


Answers = Mapping[str, LockAnswer | OperatorError]
"""By host."""


@dataclass(frozen=True)
class Taken:
    """The lock is ours.

    Args:
        lacking: Hosts that don't keep it yet: they had one of a rollout that ended while they were away, or were busy.
    """

    lacking: Sequence[str]


@dataclass(frozen=True)
class Refused:
    """The lock is not ours, wherever some host kept it.

    Args:
        error: Why.
    """

    error: OperatorError


def decide(answers: Answers, inventory: Inventory, *, take_over: bool = False) -> Taken | Refused:
    """What the hosts' answers mean.

    Args:
        answers: Of every host that was asked.
        inventory: The stack's.
        take_over: Whether it was to be taken from whoever had it.
    """
    said = {name: answer for name, answer in answers.items() if isinstance(answer, LockAnswer)}
    if any(answer.changed for answer in said.values()):
        return Refused(_changed())
    holders = {name: answer.held for name, answer in said.items() if answer.held is not None}
    busy = [name for name, answer in said.items() if answer.busy]
    standing = None if take_over else lock_in_force(list(holders.values()), inventory)
    taken = len(said) - len({*holders, *busy})
    # Where it is taken over, nobody but the host itself is kept waiting by a step that goes on there.
    if standing is None and is_majority(taken, inventory) and (take_over or not busy):
        return Taken([*holders, *(name for name in busy if name not in holders)])
    if busy:
        return Refused(_still_busy(busy, "the lock was not taken"))
    if holders:
        return Refused(_held(next(iter(holders.items()))))
    return Refused(_too_few(answers, inventory, f"{taken} took it"))


def _held(holder: tuple[str, object]) -> OperatorError:
    host, document = holder
    try:
        return LockedError(LockRecord.model_validate(document))
    except ValidationError:
        return OperatorError(
            f"{host} keeps a lock that nobody here can read; nothing was changed",
            next_command="fab lock --take-over --reason '…', once nobody rolls out",
            exit_code=3,
        )


def _changed() -> OperatorError:
    return OperatorError(
        "another rollout has ended since the hosts were looked at; nothing was changed",
        next_command="fab history, then the same command again",
    )


def _still_busy(busy: Sequence[str], state: str) -> OperatorError:
    return OperatorError(
        f"a step is still running on {', '.join(busy)}; {state}", next_command="fab status, then the same command again"
    )


def _too_few(answers: Answers, inventory: Inventory, how_many: str) -> OperatorError:
    errors = [answer for answer in answers.values() if isinstance(answer, OperatorError)]
    broken = [error.message for error in errors if not isinstance(error, UnreachableError)]
    detail = f": {broken[0]}" if broken else ""
    return OperatorError(
        f"the lock needs more than half of {len(inventory.hosts)} hosts, and {how_many}{detail}; nothing was changed",
        next_command="fab status, then pulumi up",
    )


@dataclass(frozen=True)
class Lock:
    """A lock that is taken, renewed and given back on some hosts.

    Args:
        fleet: The stack's hosts.
        hosts: Those that answer.
        record: What they are to keep.
        minutes: How long it lasts without being renewed.
    """

    fleet: Fleet
    hosts: Sequence[Host]
    record: LockRecord
    minutes: int

    def take(self, *, seen: Mapping[str, str] | None = None) -> None:
        """Take the lock, or renew it.

        Args:
            seen: The newest entry of each host's log that the plan knows of; None if it doesn't matter.

        Raises:
            LockedError: Somebody else has it; ours is given back wherever it was taken.
            OperatorError: Fewer than half of the hosts answer, a step is still running somewhere, or another rollout
                has ended since the plan was made.
        """
        decision = decide(self._ask(self.hosts, seen=seen), self.fleet.inventory)
        if isinstance(decision, Refused):
            self.give_back()
            raise decision.error
        self._ask(self._named(decision.lacking), take_over=True)

    def take_over(self, *, seen: Mapping[str, str] | None = None) -> None:
        """Take the lock from whoever has it.

        Nothing is changed before every host that answers has said that none of the holder's steps is running there.

        Args:
            seen: As for `take`.

        Raises:
            OperatorError: Fewer than half of the hosts answer, a step is still running, or another rollout has ended
                since the plan was made; the message says who has the lock then.
        """
        inventory = self.fleet.inventory
        before = ask_locks(self.fleet, self.hosts, seen)
        said = {name: answer for name, answer in before.items() if isinstance(answer, LockAnswer)}
        if busy := [name for name, answer in said.items() if answer.busy]:
            raise _still_busy(busy, "nothing was changed, and its holder has the lock")
        if any(answer.changed for answer in said.values()):
            raise _changed()
        if not is_majority(len(said), inventory):
            raise _too_few(before, inventory, f"{len(said)} answer")
        hosts = self._named(said)
        decision = decide(self._ask(hosts, take_over=True), inventory, take_over=True)
        if isinstance(decision, Refused):
            raise decision.error
        again = self._ask(self._named(decision.lacking), take_over=True)
        left = [name for name, answer in again.items() if isinstance(answer, LockAnswer) and answer.busy]
        if left:
            raise _still_busy(
                left, "the lock is yours, with what its rollout meant to do, and nothing else was changed"
            )

    def give_back(self) -> None:
        """Give the lock back; fine where it is somebody else's by now."""
        script = scripts.release_lock(self.record.token)
        self.fleet.on_each(self.hosts, lambda host: self.fleet[host].run("giving the lock back", script))

    def _named(self, names: Collection[str]) -> list[Host]:
        return [host for host in self.hosts if host.name in names]

    def _ask(self, hosts: Sequence[Host], *, take_over: bool = False, seen: Mapping[str, str] | None = None) -> Answers:
        document = {**self.record.model_dump(mode="json"), "of_hosts": len(self.fleet.inventory.hosts)}
        request = {"lock": document, "seconds": self.minutes * 60, "take_over": take_over}
        return _answers(self.fleet, hosts, lambda host: {**request, "seen": _newest(seen, host)})


def ask_locks(fleet: Fleet, hosts: Sequence[Host], seen: Mapping[str, str] | None = None) -> Answers:
    """Which lock each host keeps, and whether a step is running there; none is taken.

    Args:
        fleet: The stack's hosts.
        hosts: Those that are asked.
        seen: The newest entry of each host's log that is known here; None if it doesn't matter.
    """
    request = {"lock": None, "seconds": 0, "take_over": False}
    return _answers(fleet, hosts, lambda host: {**request, "seen": _newest(seen, host)})


def find_lock(fleet: Fleet, hosts: Sequence[Host]) -> LockRecord | None:
    """The lock in force, as the hosts say that answer."""
    answers = ask_locks(fleet, hosts).values()
    held = [answer.held for answer in answers if isinstance(answer, LockAnswer) and answer.held is not None]
    return lock_in_force(held, fleet.inventory)


def _newest(seen: Mapping[str, str] | None, host: Host) -> str | None:
    return None if seen is None else seen.get(host.name, "")


def _answers(fleet: Fleet, hosts: Sequence[Host], request: Callable[[Host], Mapping[str, object]]) -> Answers:
    def ask(host: Host) -> LockAnswer:
        printed = fleet[host].run("taking the lock", scripts.keep_lock(), json.dumps(request(host)).encode())
        return LockAnswer.model_validate_json(printed)

    return fleet.on_each(hosts, ask)
