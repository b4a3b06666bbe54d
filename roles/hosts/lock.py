"""The lock of a stack: one rollout at a time, seen from every machine, because the hosts themselves keep it.

It is taken on every host that answers, and held when more than half of all hosts have it. Each step asks its own host
for it first, so that who lost it can't go on. While a rollout runs, the lock tells what it means to do: the journal,
with which anybody can resume or abort it.
"""

import datetime as dt
import os
import secrets
from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Inventory, RolloutPolicy
from roles.hosts.audit import Operator, RolloutAction


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HostBefore(_Document):
    """What a host had before a rollout.

    Args:
        in_pool: Whether it was to get requests: only such a host is ever put back into the pool.
        release: Its release.
        snapshot: Its snapshot.
        shown: The snapshot that it asks hosts for, as an edge.
    """

    in_pool: bool = False
    release: str | None = None
    snapshot: str | None = None
    shown: str | None = None


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
    action: RolloutAction
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
