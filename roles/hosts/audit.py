"""The audit log: who did what, when, why, and what came of it. Each host keeps it; all of them together are the truth.

What the fleet should run, whether it is frozen and which releases are bad is read from the log, and kept nowhere else.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

RolloutAction = Literal["deploy", "rollback", "configure", "publish"]
Action = Literal[
    RolloutAction,
    "certificate",
    "freeze",
    "unfreeze",
    "mark-bad",
    "mark-good",
    "lock",
    "unlock",
    "drain-location",
    "undrain-location",
]
Result = Literal["ok", "undone", "left", "aborted"]
"""`ok`: done. `undone`: it failed, and every host has what it had. `left`: it failed, and some host could not be put
back. `aborted`: it was interrupted, and undone by `fab abort`."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StepTime(_Document):
    """How long a step took on a host, in seconds."""

    host: str
    step: str
    seconds: float


class Operator(_Document):
    """Who acts, and on which machine."""

    who: str
    machine: str


class Entry(_Document):
    """A line of the log.

    Args:
        id: The same on every host.
        at: When it ended, in UTC.
        action: What was done.
        operator: By whom.
        reason: Why.
        result: What came of it.
        release: The release it was about.
        snapshot: The snapshot it was about.
        stations_entered: How many polling stations have figures in it; 0 if that is not known.
        location: The location it was about.
        previous: The release before it.
        seconds: How long it took.
        emergency: Whether a lock or freeze was overruled.
        hosts: What came of it on each host that it touched.
        steps: How long each step took.
    """

    id: str
    at: dt.datetime
    action: Action
    operator: Operator
    reason: str = ""
    result: Result = "ok"
    release: str | None = None
    snapshot: str | None = None
    stations_entered: int = 0
    location: str | None = None
    previous: str | None = None
    seconds: float = 0
    emergency: bool = False
    hosts: dict[str, str] = {}
    steps: tuple[StepTime, ...] = ()

    def line(self) -> bytes:
        """The entry as the log has it: one line, whatever its reason holds."""
        return self.model_dump_json(exclude_defaults=True).encode() + b"\n"


class Log:
    """What the hosts' logs say together.

    Args:
        documents: The lines of all of them; a line that isn't an entry is passed over.
    """

    def __init__(self, documents: Iterable[object]) -> None:
        entries: dict[str, Entry] = {}
        for document in documents:
            try:
                entry = Entry.model_validate(document)
            except ValidationError:
                continue
            entries.setdefault(entry.id, entry)
        self.entries = sorted(entries.values(), key=lambda entry: (entry.at, entry.id))

    @property
    def freeze(self) -> Entry | None:
        """The freeze in force."""
        newest = next((e for e in reversed(self.entries) if e.action in {"freeze", "unfreeze"}), None)
        return newest if newest and newest.action == "freeze" else None

    @property
    def bad(self) -> dict[str, str]:
        """The releases marked bad, and why."""
        marked: dict[str, str] = {}
        for entry in self.entries:
            if entry.action == "mark-bad" and entry.release:
                marked[entry.release] = entry.reason
            elif entry.action == "mark-good" and entry.release:
                marked.pop(entry.release, None)
        return marked

    @property
    def releases(self) -> list[str]:
        """The good releases, the current one last: a deploy puts one on top, a rollback goes back down to one."""
        stack: list[str] = []
        for entry in self.entries:
            if entry.result != "ok" or entry.release is None:
                continue
            if entry.action == "rollback" and entry.release in stack:
                del stack[stack.index(entry.release) + 1 :]
            elif entry.action in {"deploy", "rollback"}:
                stack = [release for release in stack if release != entry.release] + [entry.release]
        return stack

    @property
    def release(self) -> str | None:
        """What every app host should run."""
        return next(iter(self.releases[-1:]), None)

    @property
    def published(self) -> Entry | None:
        """The newest publication that every app host took."""
        return next((e for e in reversed(self.entries) if e.action == "publish" and e.result == "ok"), None)

    @property
    def snapshot(self) -> str | None:
        """What every app host should show."""
        return self.published.snapshot if self.published else None

    @property
    def drained_locations(self) -> set[str]:
        """The locations that were taken out at the edge."""
        drained: set[str] = set()
        for entry in self.entries:
            if entry.location and entry.action == "drain-location":
                drained.add(entry.location)
            elif entry.location and entry.action == "undrain-location":
                drained.discard(entry.location)
        return drained
