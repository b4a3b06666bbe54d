"""The audit log: who did what, when, why, and what came of it. Each host keeps it; all of them together are the truth.

What the fleet should run, whether it is frozen and which releases are bad is read from the log, and kept nowhere else.
No clock decides which of two entries is the newer one: each has an order, higher than all that its writer had seen.
"""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError, model_validator

from roles.on_host.log import DETAILS, decided

RolloutAction = Literal["deploy", "rollback", "configure", "publish"]
Action = Literal[
    RolloutAction,
    "certificate",
    "discard",
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
        order: Higher than that of every entry that its writer knew of.
        at: When it ended, in UTC; for people, who know how far to trust a clock.
        action: What was done.
        operator: By whom.
        reason: Why.
        result: What came of it.
        release: The release it was about.
        snapshot: The snapshot it was about.
        stations_entered: How many polling stations have figures in it; 0 if that is not known.
        location: The location it was about.
        previous: The release before it.
        dropped: The releases that a rollback went back over: none of them is a good one any more.
        seconds: How long it took.
        emergency: Whether a lock or freeze was overruled.
        hosts: What came of it on each host that it touched.
        steps: How long each step took.
    """

    # A newer checkout's entry may say more; refused for that, a freeze would be none.
    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    order: int = 0
    at: AwareDatetime
    action: Action
    operator: Operator
    reason: str = ""
    result: Result = "ok"
    release: str | None = None
    snapshot: str | None = None
    stations_entered: int = 0
    location: str | None = None
    previous: str | None = None
    dropped: tuple[str, ...] = ()
    seconds: float = 0
    emergency: bool = False
    hosts: dict[str, str] = {}
    steps: tuple[StepTime, ...] = ()

    def line(self) -> bytes:
        """The entry as the log has it: one line, whatever its reason holds."""
        return self.model_dump_json(exclude_defaults=True).encode() + b"\n"


class HostLog(_Document):
    """What a host says of its log.

    Args:
        decisive: For each thing that entries decide, the newest that does.
        newest: As many of its last entries as were asked for.
        newest_id: The id of the last one.
        order: The highest order in it.
        refused: Lines of it that are no entries.
    """

    decisive: tuple[Entry, ...] = ()
    newest: tuple[Entry, ...] = ()
    newest_id: str = ""
    order: int = 0
    refused: int = 0

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, document: dict[str, Any]) -> dict[str, Any]:
        """Count what is no entry, so that the rest still counts."""
        refused: set[str] = set()
        good: dict[str, list[Entry]] = {"decisive": [], "newest": []}
        for name, entries in good.items():
            for found in document.get(name, ()):
                try:
                    entries.append(Entry.model_validate(found))
                except ValidationError:
                    refused.add(str(found.get("id")))
        return {**document, **good, "refused": document.get("refused", 0) + len(refused)}


def merged(entries: Iterable[Entry]) -> list[Entry]:
    """Entries of several hosts in their order, each once: as it was written last, and with the most that is known."""
    found: dict[str, Entry] = {}
    for entry in entries:
        known = found.get(entry.id, entry)
        found[entry.id] = entry if entry is known else max(known, entry, key=_fullness)
    return sorted(found.values(), key=lambda entry: (entry.order, entry.id))


def _fullness(entry: Entry) -> tuple[int, int, bytes]:
    line = entry.line()
    return entry.order, len(line), line


class Log:
    """What the hosts' logs say together: for each thing that is decided, the newest entry that decides it.

    Args:
        entries: What is decisive in each of them, in any order.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = merged(entries)
        self._newest = {what: entry for entry in self.entries for what in decided(entry.model_dump(exclude={*DETAILS}))}

    @property
    def freeze(self) -> Entry | None:
        """The freeze in force."""
        newest = self._newest.get("frozen")
        return newest if newest and newest.action == "freeze" else None

    @property
    def bad(self) -> dict[str, str]:
        """The releases marked bad, and why."""
        marks = self._about("marked")
        return {release: entry.reason for release, entry in marks.items() if entry.action == "mark-bad"}

    @property
    def activated(self) -> dict[str, Entry]:
        """The newest deploy or rollback to each release that succeeded, the newest last."""
        return self._about("activated")

    @property
    def releases(self) -> list[str]:
        """The good releases, the current one last: a deploy puts one on top, a rollback goes back down to one."""
        return [name for name, entry in self._about("release").items() if entry.release == name]

    @property
    def release(self) -> str | None:
        """What every app host should run."""
        return next(iter(self.releases[-1:]), None)

    @property
    def published(self) -> Entry | None:
        """The newest publication that every app host took."""
        return self._newest.get("done publish")

    @property
    def snapshot(self) -> str | None:
        """What every app host should show."""
        return self.published.snapshot if self.published else None

    @property
    def drained_locations(self) -> set[str]:
        """The locations that were taken out at the edge."""
        return {name for name, entry in self._about("drained").items() if entry.action == "drain-location"}

    def above(self, release: str) -> tuple[str, ...]:
        """The good releases that came after one: those that going back to it goes back over."""
        stack = self.releases
        return tuple(stack[stack.index(release) + 1 :]) if release in stack else ()

    def _about(self, what: str) -> dict[str, Entry]:
        """What was decided of each release or location, the newest last."""
        found = {key.removeprefix(f"{what} "): e for key, e in self._newest.items() if key.startswith(f"{what} ")}
        return dict(sorted(found.items(), key=lambda item: (item[1].order, item[1].id)))
