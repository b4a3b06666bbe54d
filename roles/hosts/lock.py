"""The lock of a stack: one rollout at a time, seen from every machine, because the hosts themselves keep it.

It is taken on every host that answers, and held when more than half of all hosts have it. Each step asks its own host
for it first, so that who lost it can't go on. While a rollout runs, the lock tells what it means to do: the journal,
with which anybody can resume or abort it.
"""

import datetime as dt
import json
import os
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host, Inventory, RolloutPolicy
from roles.hosts.audit import Operator
from roles.hosts.connection import UnreachableError
from roles.hosts.fleet import Fleet
from roles.rollout.plan import Action
from roles.scripts import lock as scripts


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HostBefore(_Document):
    """What a host had before a rollout.

    Args:
        in_pool: Whether it was to get requests: only such a host is ever put back into the pool.
        release: Its release.
        snapshot: Its snapshot.
    """

    in_pool: bool = False
    release: str | None = None
    snapshot: str | None = None


class Intent(_Document):
    """What a rollout means to do: with what the hosts say of themselves, enough to end or undo it.

    Args:
        id: The rollout's id.
        action: What it is.
        target: The release or snapshot that it brings.
        policy: How careful it is.
        hosts: What each host had before it.
    """

    id: str
    action: Action
    target: str
    policy: RolloutPolicy
    hosts: dict[str, HostBefore]


class LockRecord(_Document):
    """What a host keeps.

    Args:
        token: Only who knows it may go on.
        operator: Who holds it.
        process: The holder's process, on the holder's machine.
        reason: Why.
        since: Since when.
        expires_unix_s: When it ends by itself, by the host's own clock; set by the host.
        of_hosts: How many hosts the stack had when it was taken: a group may have grown since.
        intent: The rollout that it is for; such a lock never ends by itself.
    """

    token: str
    operator: Operator
    process: int
    reason: str
    since: dt.datetime
    expires_unix_s: float = 0
    of_hosts: int = 0
    intent: Intent | None = None

    def sentence(self) -> str:
        """Who has it, since when and why."""
        since = f"since {self.since:%Y-%m-%d %H:%M:%S} UTC"
        what = f"{self.intent.action} of {self.intent.target}" if self.intent else "held by hand"
        why = f", reason: {self.reason!r}" if self.reason else ""
        return f"{self.operator.who} on {self.operator.machine} {since}: {what}{why}"

    def holder_is_gone(self, operator: Operator) -> bool:
        """Whether it is our own, and the process that took it has ended."""
        if self.operator != operator:
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return self.process == os.getpid()


class LockedError(OperatorError):
    """Somebody else has the lock.

    Args:
        lock: Theirs.
    """

    def __init__(self, lock: LockRecord) -> None:
        unfinished = "fab resume or fab abort, if it was interrupted; " if lock.intent else ""
        super().__init__(
            f"the stack is locked by {lock.sentence()}; nothing was changed",
            next_command=f"{unfinished}fab lock --take-over --reason '…' to take it from them",
            exit_code=3,
        )
        self.lock = lock


def new_record(operator: Operator, reason: str, now: dt.datetime, intent: Intent | None = None) -> LockRecord:
    """A lock that nobody has yet."""
    token = secrets.token_hex(16)
    return LockRecord(token=token, operator=operator, process=os.getpid(), reason=reason, since=now, intent=intent)


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

    def take(self, *, take_over: bool = False, seen: Mapping[str, str] | None = None) -> None:
        """Take the lock, or renew it.

        Args:
            take_over: Whether to take it from whoever has it.
            seen: The newest entry of each host's log that the plan knows of; None if it doesn't matter.

        Raises:
            LockedError: Somebody else has it; ours is given back wherever it was taken.
            OperatorError: Fewer than half of the hosts answer, a step is still running somewhere, or another rollout
                has ended since the plan was made.
        """
        results = self.fleet.on_each(
            self.hosts,
            lambda host: self._ask(
                host, take_over=take_over, seen=seen.get(host.name, "") if seen is not None else None
            ),
        )
        answers = {name: answer for name, answer in results.items() if not isinstance(answer, OperatorError)}
        holders = {name: answer["held"] for name, answer in answers.items() if answer["held"] is not None}
        busy = [name for name, answer in answers.items() if answer["busy"]]
        if any("changed" in answer for answer in answers.values()):
            self.give_back()
            raise OperatorError(
                "another rollout has ended since the hosts were looked at; nothing was changed",
                next_command="fab history, then the same command again",
            )
        taken = len(answers) - len({*holders, *busy})
        standing = None if take_over else lock_in_force(list(holders.values()), self.fleet.inventory)
        if not busy and standing is None and is_majority(taken, self.fleet.inventory):
            # What a few hosts still keep is of a rollout that ended while they were away.
            stale = [host for host in self.hosts if host.name in holders]
            self.fleet.on_each(stale, lambda host: self._ask(host, take_over=True))
            return
        if not take_over:
            self.give_back()
        if busy:
            raise OperatorError(
                f"a step is still running on {', '.join(busy)}; the lock was not taken", next_command="fab status"
            )
        if holders:
            raise LockedError(LockRecord.model_validate(next(iter(holders.values()))))
        errors = [answer for answer in results.values() if isinstance(answer, OperatorError)]
        broken = [error.message for error in errors if not isinstance(error, UnreachableError)]
        detail = f": {broken[0]}" if broken else ""
        raise OperatorError(
            f"the lock needs more than half of {len(self.fleet.inventory.hosts)} hosts, and {taken} took it"
            f"{detail}; nothing was changed",
            next_command="fab status, then pulumi up",
        )

    def give_back(self) -> None:
        """Give the lock back; fine where it is somebody else's by now."""
        script = scripts.release_lock(self.record.token)
        self.fleet.on_each(self.hosts, lambda host: self.fleet[host].run("giving the lock back", script))

    def _ask(self, host: Host, *, take_over: bool, seen: str | None = None) -> "dict[str, object]":
        document = {**self.record.model_dump(mode="json"), "of_hosts": len(self.fleet.inventory.hosts)}
        request = {"lock": document, "seconds": self.minutes * 60, "take_over": take_over, "seen": seen}
        printed = self.fleet[host].run("taking the lock", scripts.keep_lock(), json.dumps(request).encode())
        answer: dict[str, object] = json.loads(printed)
        return answer


def is_majority(count: int, inventory: Inventory) -> bool:
    """Whether so many hosts decide for the stack."""
    return count * 2 > len(inventory.hosts)


def lock_in_force(documents: Sequence[object], inventory: Inventory) -> LockRecord | None:
    """The lock that more than half of all hosts keep: of those there are now, or there were, if they were fewer."""
    found: list[LockRecord] = []
    for document in documents:
        try:
            found.append(LockRecord.model_validate(document))
        except ValidationError:
            continue
    tokens, now = Counter(record.token for record in found), len(inventory.hosts)
    return next((record for record in found if tokens[record.token] * 2 > min(now, record.of_hosts or now)), None)


def policy_for(policy: RolloutPolicy, **overrules: object) -> RolloutPolicy:
    """A policy with a task's own options.

    Raises:
        OperatorError: An option is out of bounds.
    """
    given = {name: value for name, value in overrules.items() if value is not None}
    try:
        # Options of a task are text.
        return RolloutPolicy.model_validate({**policy.model_dump(), **given}, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise OperatorError(
            f"--{option} is {first['input']!r}: {first['msg']}", next_command="fab --help deploy"
        ) from error
