"""Carrying out a plan. What fails is put back; what can't be put back stays out of the pool, and is named."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import RolloutPolicy
from roles.hosts.audit import Result, StepTime
from roles.hosts.connection import FencedError, HostError, UnreachableError
from roles.hosts.fleet import Fleet
from roles.rollout.gate import DoubtError, judge, measure, settle_doubt
from roles.rollout.plan import KEPT_OUT, Act, Call, Gate, HostChange, Plan, Step, in_one_go
from roles.scripts.artefacts import still_runs
from roles.scripts.lock import fence

LEFT = "left out of the pool"
PUT_BACK = "put back"
DONE = "ok"


class Reporter(Protocol):
    """Told of what happens, as it happens, from several threads."""

    def phase(self, name: str) -> None:
        """A phase begins."""
        ...

    def step(self, host: str, step: str, state: str, seconds: float | None = None) -> None:
        """A step of a host begins (`…`), has been done (`done`) or failed (`failed`)."""
        ...

    def note(self, text: str) -> None:
        """Anything else worth a line."""
        ...

    def ask(self, question: str) -> bool | None:
        """A question that the operator answers with yes or no; None where nobody answers."""
        ...


@dataclass
class Outcome:
    """What came of a plan.

    Args:
        result: As the audit log says it.
        error: Why it failed; None if it didn't.
        hosts: What came of it on each host.
        steps: How long each step took.
    """

    result: Result = "ok"
    error: OperatorError | None = None
    hosts: dict[str, str] = field(default_factory=dict[str, str])
    steps: list[StepTime] = field(default_factory=list[StepTime])


def all_but_the_last_batch(plan: Plan) -> list[HostChange]:
    """What has had time to fail: what was changed last has just been found ready."""
    batches = [batch for phase in plan.phases for batch in phase.batches]
    return [change for batch in batches[:-1] for change in batch]


class Runner:
    """Carries out plans.

    Args:
        fleet: The stack's hosts.
        token: Of the lock, which is taken: it lasts as long as the rollout.
        policy: How careful to be.
        reporter: Told of what happens.
    """

    def __init__(self, fleet: Fleet, token: str, policy: RolloutPolicy, reporter: Reporter) -> None:
        self._fleet = fleet
        self._fence = fence(token)
        self._policy = policy
        self._reporter = reporter
        self._mutex = threading.Lock()
        self._reached: dict[int, int] = {}
        self._failed: dict[str, HostError] = {}
        self._unreachable: dict[str, HostError] = {}
        self._left_out: set[str] = set()
        self._spare: dict[str, int] = {}
        self._cannot_go_on: HostError | None = None
        self._outcome = Outcome()

    def carry_out(self, plan: Plan, earlier: Sequence[HostChange] = ()) -> Outcome:
        """Do all of it, or put back what was done.

        Args:
            plan: What is to be done.
            earlier: What was done before the rollout was interrupted, and is put back with the rest.

        Raises:
            FencedError: The lock was taken over: nothing more is touched.
            DoubtError: A gate can't tell, and nobody answers: nothing more is touched.
        """
        self._left_out = {host.name for host in plan.left_out}
        self._spare = dict(plan.spare)
        try:
            for phase in plan.phases:
                self._reporter.phase(phase.name)
                for batch in phase.batches:
                    self._batch(batch)
                if phase.gate:
                    self._pass(phase.gate)
                    self._still_runs(plan, plan.changes)
            self._still_runs(plan, all_but_the_last_batch(plan))
        except (FencedError, DoubtError):
            raise
        except OperatorError as error:
            self._outcome.error = error
            self.reach_all(earlier)
            self.undo(
                [*((change,) for change in earlier), *(batch for phase in plan.phases for batch in phase.batches)]
            )
        return self._outcome

    def undo(self, batches: Sequence[Sequence[HostChange]]) -> Outcome:
        """Put every touched host back, in reverse order, side by side where it was changed side by side."""
        self._reporter.phase("putting back")
        for batch in reversed(batches):
            touched = [change for change in batch if self._reached.get(id(change))]
            self._side_by_side(touched, self._put_back)
        hosts = self._outcome.hosts
        self._outcome.result = "left" if any(LEFT in text for text in hosts.values()) else "undone"
        return self._outcome

    def reach_all(self, changes: Iterable[HostChange]) -> None:
        """Take changes as begun and perhaps done: what an interrupted rollout may have left."""
        self._reached |= {id(change): len(change.steps) for change in changes}

    def _batch(self, batch: Sequence[HostChange]) -> None:
        going = list(batch)
        while going:
            gone = {*self._failed, *self._unreachable}
            going = [change for change in going if change.host.name not in gone]
            now, going = self._above_the_floor(going)
            self._side_by_side(now, self._change)
            self._count_capacity(now)
            if self._cannot_go_on:
                raise self._cannot_go_on
            if self._unreachable and len(self._unreachable) + len(self._left_out) > self._policy.unreachable_hosts:
                raise next(iter(self._unreachable.values()))
            if len(self._failed) > self._policy.failed_hosts:
                raise next(iter(self._failed.values()))

    def _above_the_floor(self, changes: list[HostChange]) -> tuple[list[HostChange], list[HostChange]]:
        """Those that can be changed now, and those that must wait: hosts lost on the way leave less to spare."""
        serving = [change for change in changes if change.serves]
        if not serving:
            return changes, []
        spare = self._spare[serving[0].host.location]
        if spare < 1:
            location = serving[0].host.location
            raise OperatorError(f"{location} has no host to spare above its capacity floor any more")
        waiting = serving[spare:]
        return [change for change in changes if change not in waiting], waiting

    def _count_capacity(self, changes: Iterable[HostChange]) -> None:
        for change in changes:
            name, location = change.host.name, change.host.location
            lost = name in self._failed or name in self._unreachable
            if change.serves and lost and self._outcome.hosts.get(name) != PUT_BACK:
                self._spare[location] -= 1
            elif change.returns and not lost:
                self._spare[location] += 1

    def _side_by_side(self, changes: Sequence[HostChange], act: Callable[[HostChange], None]) -> None:
        """Act on changes of different hosts at once; what isn't a host's own failure is raised when all have ended."""
        by_host = {change.host.name: change for change in changes}
        results = self._fleet.on_each([change.host for change in changes], lambda host: act(by_host[host.name]))
        for result in results.values():
            if isinstance(result, FencedError):
                raise result

    def _change(self, change: HostChange) -> None:
        for number, step in enumerate(change.steps, start=1):
            with self._mutex:
                self._reached[id(change)] = number
            try:
                self._timed(change, step, in_one_go(step.do, step.check))
            except FencedError:
                raise
            except HostError as error:
                self._note_failure(change, error)
                return
        with self._mutex:
            self._outcome.hosts[change.host.name] = KEPT_OUT if change.host.name in self._left_out else DONE

    def _note_failure(self, change: HostChange, error: HostError) -> None:
        kind = self._unreachable if isinstance(error, UnreachableError) else self._failed
        with self._mutex:
            kind[change.host.name] = error
            away = len(self._unreachable) + len(self._left_out)
            within = away <= self._policy.unreachable_hosts and len(self._failed) <= self._policy.failed_hosts
            if within and change.otherwise:
                self._spare[change.host.location] -= 1
                if self._spare[change.host.location] < 0:
                    within, self._cannot_go_on = False, error
        if within:
            self._reporter.note(f"{error.message}; the rollout goes on without {change.host.name}")
            self._put_back(change)
            self._leave_out(change, error)

    def _leave_out(self, change: HostChange, error: HostError) -> None:
        """Take a host out of the pool that is not changed with the others."""
        try:
            for step in change.otherwise:
                self._timed(change, step, in_one_go(step.do, step.check))
        except FencedError:
            raise
        except HostError as problem:
            self._cannot_go_on = problem  # it would go on serving
            return
        if change.otherwise:
            with self._mutex:
                self._outcome.hosts[change.host.name] = f"{LEFT}: {error.step}: {error.detail}"

    def _put_back(self, change: HostChange) -> None:
        name = change.host.name
        with self._mutex:
            reached = self._reached.pop(id(change), 0)
        try:
            for step in reversed(change.steps[:reached]):
                if step.undo is not None:
                    self._timed(change, step, in_one_go(step.undo, step.undo_check), undo=True)
        except FencedError:
            raise
        except HostError as error:
            with self._mutex:
                self._outcome.hosts[name] = f"{LEFT}: {error.step}: {error.detail}"
            return
        if any(step.undo is not None for step in change.steps[:reached]):
            with self._mutex:
                if LEFT not in self._outcome.hosts.get(name, ""):
                    self._outcome.hosts[name] = PUT_BACK

    def _timed(self, change: HostChange, step: Step, act: Act, *, undo: bool = False) -> None:
        name, label = change.host.name, f"undo {step.name}" if undo else step.name
        self._reporter.step(name, label, "…")
        started = time.monotonic()
        try:
            self._execute(step, act, reads=not undo, label=label)
        except HostError as error:
            self._reporter.step(name, label, "failed", time.monotonic() - started)
            if error.host != name:
                raise type(error)(error.host, f"{label} for {name}", error.detail, error.next_command) from error
            raise
        seconds = time.monotonic() - started
        self._reporter.step(name, label, "done", seconds)
        with self._mutex:
            self._outcome.steps.append(StepTime(host=name, step=label, seconds=round(seconds, 3)))

    def _execute(self, step: Step, act: Act, *, reads: bool = True, label: str = "") -> None:
        remote = self._fleet[step.on]
        if isinstance(act, Call):
            remote.run(label or step.name, self._fence)
            try:
                act.act()
            except OperatorError as error:
                raise HostError(step.on.name, label or step.name, error.message, error.next_command) from error
            return
        fenced = self._fence.then(act)
        stdin = step.stdin if reads else None
        if isinstance(stdin, Path):
            with stdin.open("rb") as file:
                if step.arrived:
                    file.seek(int(remote.run(label or step.name, self._fence.then(step.arrived))))
                remote.run(label or step.name, fenced, file)
        else:
            remote.run(label or step.name, fenced, stdin)

    def _pass(self, gate: Gate) -> None:
        canaries = ", ".join(gate.canaries)
        gone = {*self._failed, *self._unreachable}
        if gone.intersection(gate.canaries):
            return
        self._reporter.note(f"gate: watching {canaries} for {self._policy.soak_seconds} s")
        verdict = judge(measure(self._fleet, gate, self._policy), self._policy)
        self._reporter.note(f"gate: {canaries}: {verdict.seen}")
        if verdict.outcome == "refuse":
            raise HostError(canaries, "gate", verdict.reason, "fab history")
        if verdict.outcome == "cannot tell":
            settle_doubt(canaries, verdict.reason, self._policy, self._reporter.note, self._reporter.ask)

    def _still_runs(self, plan: Plan, changes: Iterable[HostChange]) -> None:
        """A service that died after it was ready, and was started again, is no success."""
        if plan.action == "publish":
            return
        with self._mutex:
            done = {change.host.name for change in changes if self._outcome.hosts.get(change.host.name) == DONE}
        hosts = [host for host in self._fleet.inventory.with_role("app") if host.name in done]
        check = still_runs(plan.target)
        self._fleet.all_or_error(hosts, lambda host: self._fleet[host].run("staying up", check))
