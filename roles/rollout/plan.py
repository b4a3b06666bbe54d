"""A rollout as data: steps with do, check and undo; what is done on a host; what side by side; in which order."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.bridge.inventory import Host, RolloutPolicy
from roles.hosts.audit import RolloutAction
from roles.hosts.lock import HostBefore
from roles.hosts.state import Observation
from roles.scripts.quoting import Script, sent_programs

OWN_FILES = "the files of this checkout"
"""What a rollout brings where no release was deployed yet."""

KEPT_OUT = "does not answer: kept out of the pool"


@dataclass(frozen=True)
class Rollout:
    """A change of the running system, begun or to be ended.

    Args:
        id: Names it on the hosts and in the log.
        action: What it is.
        policy: How careful it is.
        before: What hosts had before it, where it was interrupted.
    """

    id: str
    action: RolloutAction
    policy: RolloutPolicy
    before: Mapping[str, HostBefore] = field(default_factory=dict[str, HostBefore])


@dataclass(frozen=True)
class Call:
    """Something that is asked of a service, not done on a host: an app host's place behind a load balancer of AWS.

    Args:
        text: What is asked, for a reader of the plan.
        act: Asks it; raises OperatorError.
    """

    text: str
    act: Callable[[], None]

    def then(self, other: "Call | None") -> "Call":
        """This, then another one, in one go."""
        if other is None:
            return self
        return Call(f"{self.text}\n{other.text}", lambda: (self.act(), other.act())[-1])


Act = Script | Call


def in_one_go(first: Act, second: Act | None) -> Act:
    """What does or undoes, then what proves it.

    Raises:
        TypeError: One is of a host, the other of a service.
    """
    if isinstance(first, Script) and not isinstance(second, Call):
        return first.then(second)
    if isinstance(first, Call) and not isinstance(second, Script):
        return first.then(second)
    raise TypeError("a step is done on a host or asked of a service, not both")


@dataclass(frozen=True)
class Step:
    """One script on one host, or one call to a service, and the way back.

    Args:
        name: What is done, for the progress and the error's sentence.
        on: The host that it runs on: a load balancer, where it is about an app host's place in the pool. A service is
            asked only after this host has said that the lock is still ours.
        do: Does it; doing it twice is harmless.
        check: Proves that it is done.
        undo: Goes back; None where there is nothing to go back to.
        undo_check: Proves that it went back.
        stdin: What `do` reads.
        stdin_is: What that is, for a reader of the plan.
        arrived: Prints how much of a file the host has already, where `do` goes on from there.
    """

    name: str
    on: Host
    do: Act
    check: Act | None = None
    undo: Act | None = None
    undo_check: Act | None = None
    stdin: bytes | Path | None = field(default=None, repr=False)
    stdin_is: str = ""
    arrived: Script | None = None


@dataclass(frozen=True)
class HostChange:
    """What is done about one host, step after step.

    Args:
        host: The host.
        summary: In a few words.
        steps: In order; undone in reverse order.
        serves: Whether it is an app host that gets requests, and gets none while it is changed.
        returns: Whether it is an app host that gets no requests before it is changed, and some after it.
        otherwise: What is done where a step failed and the rollout goes on without the host: it is taken out of the
            pool, since it would go on serving what the others have no more.
    """

    host: Host
    summary: str
    steps: tuple[Step, ...]
    serves: bool = False
    returns: bool = False
    otherwise: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Gate:
    """Servers that are measured against others before the rollout goes on.

    Args:
        on: The host whose HAProxy divides between them, or the canary itself.
        backend: HAProxy's backend; None where no host divides, and each server is measured by itself.
        canaries: The changed servers.
        others: What they are compared with.
    """

    on: Host
    backend: str | None
    canaries: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class Phase:
    """A part of a rollout.

    Args:
        name: What it is for.
        batches: One after another; what is in a batch is changed side by side.
        gate: What must hold before the next phase.
    """

    name: str
    batches: tuple[tuple[HostChange, ...], ...]
    gate: Gate | None = None


@dataclass(frozen=True)
class Plan:
    """A rollout.

    Args:
        id: Names it on the hosts and in the log.
        action: What it is.
        target: The release or snapshot that it brings.
        phases: In order; undone in reverse order.
        left_out: Hosts that don't answer; they are kept out of the pool.
        spare: How many of a location's serving hosts may be away at the same time, by location.
        stations_entered: How many polling stations have figures in the snapshot; 0 if that is not known.
    """

    id: str
    action: RolloutAction
    target: str
    phases: tuple[Phase, ...]
    left_out: tuple[Host, ...] = ()
    spare: Mapping[str, int] = field(default_factory=dict[str, int])
    stations_entered: int = 0

    @property
    def changes(self) -> Iterator[HostChange]:
        """Everything that is done, in order."""
        return (change for phase in self.phases for batch in phase.batches for change in batch)

    @property
    def hosts(self) -> list[str]:
        """The hosts that are changed, each once, in order."""
        return list(dict.fromkeys(change.host.name for change in self.changes))

    def lines(self) -> Iterator[str]:
        """The plan for a reader."""
        for host in self.left_out:
            yield f"left out: {host.name} does not answer"
        for number, phase in enumerate(self.phases, start=1):
            yield f"{number}. {phase.name}"
            for batch in phase.batches:
                for change in batch:
                    side = "  " if len(batch) == 1 else "= "
                    yield f"   {side}{change.host.name}: {change.summary}"
            if phase.gate:
                others = ", ".join(phase.gate.others) or "fixed limits"
                yield f"   gate on {phase.gate.on.name}: {', '.join(phase.gate.canaries)} against {others}"
        if not self.phases:
            yield f"nothing to do: every host has {self.target}"

    def scripts(self) -> Iterator[str]:
        """What would run, and where, to the letter; a program that was shown is named the next time."""
        shown: set[str] = set()
        for change in self.changes:
            for step in change.steps:
                yield f"--- {step.on.name}: {step.name}"
                if step.stdin_is:
                    yield f"# standard input: {step.stdin_is}"
                text = in_one_go(step.do, step.check).text
                for name, program in sent_programs().items():
                    if name in shown:
                        text = text.replace(program, f"<the program {name}, as above>")
                    elif program in text:
                        shown.add(name)
                yield text


class Planner(Protocol):
    """Knows what one kind of rollout does on each host."""

    @property
    def observed(self) -> Observation:
        """What the hosts have: looked at once."""
        ...

    @property
    def rollout(self) -> Rollout:
        """What it plans."""
        ...

    def plan(self) -> Plan:
        """What is to be done.

        Raises:
            OperatorError: It can't be carried out without going under the capacity floor.
        """
        ...

    def before(self, host: Host) -> HostBefore:
        """What a host had before the rollout, also where it is resumed."""
        ...

    def everything(self) -> list[HostChange]:
        """Every change that there can be, whether or not a host needs it: what an abort goes back through."""
        ...

    def tidy(self, *, undone: bool = False) -> Mapping[str, Script]:
        """What each host removes in the end; of a rollout that was undone, only what it kept for that."""
        ...
