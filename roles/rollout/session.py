"""One rollout from the first look to the last line of the log: observe, pre-check, plan, lock, carry out, record."""

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import RolloutPolicy
from roles.hosts.audit import Entry, Operator, RolloutAction
from roles.hosts.fleet import Fleet
from roles.hosts.lock import Intent, LockedError, LockRecord, new_record
from roles.hosts.locking import Lock, find_lock
from roles.hosts.recording import record
from roles.hosts.state import Observation
from roles.rollout.plan import OWN_FILES, HostChange, Plan, Planner, Rollout
from roles.rollout.precheck import problems
from roles.rollout.progress import reporting, show_times
from roles.rollout.request import Request, check_reason, new_id
from roles.rollout.runner import DONE, LEFT, PUT_BACK, Outcome, Runner
from roles.scripts.lock import fence, release_lock
from roles.scripts.quoting import Script
from roles.terminal import say


@dataclass(frozen=True)
class Session:
    """Carries rollouts out.

    Args:
        fleet: The stack's hosts.
        operator: Who acts.
        held: The token of a lock that this checkout took by hand; None if it has none.
        now: The time.
    """

    fleet: Fleet
    operator: Operator
    held: str | None = None
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)

    def begin(self, action: RolloutAction, request: Request) -> Rollout:
        """A rollout that has not begun yet."""
        return Rollout(new_id(self.now()), action, request.policy)

    def roll_out(self, planner: Planner, request: Request) -> None:
        """Do it, or show what would be done.

        Raises:
            OperatorError: Something stands in the way, or a step failed; the message says the state left behind.
        """
        observed, action = planner.observed, planner.rollout.action
        self.check(observed, action, request)
        plan = planner.plan()
        if request.shown:
            for line in [*plan.lines(), *(plan.scripts() if request.shown == "dry-run" else ())]:
                say(line)
            return
        for host in plan.left_out:
            say(f"{host.name}: does not answer, and is left out")
        if not plan.phases:
            say(f"{action}: {plan.target}: every host has it already")
            return
        hosts = {name: planner.before(host) for host in observed.inventory.hosts if (name := host.name) in plan.hosts}
        intent = Intent(id=plan.id, action=action, target=plan.target, policy=request.policy, hosts=hosts)
        lock = self._lock(observed, request.policy, request.reason, intent)
        (lock.take_over if request.emergency else lock.take)(seen=observed.newest_entries)
        self._carry_out(planner, plan, lock, request)

    def check(self, observed: Observation, action: RolloutAction, request: Request) -> None:
        """Refuse what must not begin; where it is only shown, say what stands in its way.

        Raises:
            OperatorError: The stack is locked or frozen, or a host is not fit for it.
        """
        found = problems(observed, action, request.policy, emergency=request.emergency)
        lock = observed.lock
        locked = lock and not request.emergency and not self._is_ours(lock)
        if request.shown:
            for problem in [*found, *([f"the stack is locked by {lock.sentence()}"] if lock and locked else [])]:
                say(f"in the way: {problem}")
            return
        if lock and locked:
            raise LockedError(lock)
        if found:
            listed = found[0] if len(found) == 1 else "".join(f"\n  - {problem}" for problem in found) + "\n"
            raise OperatorError(
                f"{action}: {listed}; nothing was changed",
                next_command="fab status; a freeze goes with fab unfreeze, or --emergency --reason '…'",
            )

    def take_over(self, reason: str | None) -> tuple[Lock, Intent]:
        """Take the lock of a rollout that was interrupted, to end or undo it.

        The hosts are to be looked at after that: until then, a step of the rollout may go on.

        Raises:
            OperatorError: There is none, or whoever runs it still does.
        """
        hosts = self.fleet.inventory.hosts
        found = find_lock(self.fleet, hosts)
        if found is None or found.intent is None:
            raise OperatorError(
                "no rollout was interrupted: there is nothing to resume or abort", next_command="fab status"
            )
        if not reason and not found.holder_is_gone(self.operator):
            raise LockedError(found)
        ours = self._record_of(check_reason(reason or found.reason), found.intent)
        lock = Lock(self.fleet, hosts, ours, found.intent.policy.lock_minutes)
        lock.take_over()
        return lock, found.intent

    def resume(self, planner: Planner, lock: Lock, intent: Intent, reason: str) -> None:
        """End an interrupted rollout.

        Raises:
            OperatorError: A step failed.
        """
        plan = planner.plan()
        # Done before the interruption, and so not in the plan: undone with it if it fails.
        earlier = [change for change in planner.everything() if _was_touched(planner.observed, change, intent)]
        earlier = [change for change in earlier if change.host.name not in plan.hosts]
        self._carry_out(planner, plan, lock, Request(intent.policy, reason or "resumed"), earlier)

    def abort(self, planner: Planner, lock: Lock, intent: Intent, reason: str) -> None:
        """Undo an interrupted rollout.

        Raises:
            OperatorError: A host could not be put back.
        """
        started = time.monotonic()
        touched = [change for change in planner.everything() if _was_touched(planner.observed, change, intent)]
        with reporting() as reporter:
            runner = Runner(self.fleet, lock.record.token, intent.policy, reporter)
            runner.reach_all(touched)
            outcome = runner.undo([[change] for change in touched])
        tidy: Mapping[str, Script] = {} if outcome.result == "left" else planner.tidy(undone=True)
        outcome = replace(outcome, result="left" if outcome.result == "left" else "aborted")
        plan = Plan(intent.id, intent.action, intent.target, ())
        self._record(planner.observed, plan, lock, Request(intent.policy, reason or "aborted"), outcome, started, tidy)
        say(f"abort: {intent.action} of {intent.target} was undone, {len(outcome.hosts)} hosts have what they had")
        self._raise_if_left(outcome)

    def note(self, observed: Observation, entry: Entry, then: Mapping[str, Script] | None = None) -> None:
        """Write a line into every host's log.

        Args:
            observed: The hosts.
            entry: The line.
            then: What is done on a host that took it, by the host's name.

        Raises:
            OperatorError: Fewer than half of the hosts took it.
        """
        for error in record(self.fleet, observed, entry, then or {}):
            say(f"not written down or tidied up: {error.message}")

    def _lock(self, observed: Observation, policy: RolloutPolicy, reason: str, intent: Intent | None) -> Lock:
        return Lock(self.fleet, observed.answering, self._record_of(reason, intent), policy.lock_minutes)

    def _record_of(self, reason: str, intent: Intent | None) -> LockRecord:
        ours = new_record(self.operator, reason, self.now(), intent)
        return ours if self.held is None else ours.model_copy(update={"token": self.held})

    def _is_ours(self, lock: LockRecord) -> bool:
        """Whether it was taken by hand from here, and no rollout is running under it now."""
        return lock.token == self.held and (lock.intent is None or lock.holder_is_gone(self.operator))

    def _carry_out(
        self,
        planner: Planner,
        plan: Plan,
        lock: Lock,
        request: Request,
        earlier: Sequence[HostChange] = (),
    ) -> None:
        started = time.monotonic()
        with reporting() as reporter:
            runner = Runner(self.fleet, lock.record.token, request.policy, reporter)
            outcome = runner.carry_out(plan, earlier)
        tidy: Mapping[str, Script] = {} if outcome.result == "left" else planner.tidy(undone=outcome.error is not None)
        self._record(planner.observed, plan, lock, request, outcome, started, tidy)
        self._raise_if_left(outcome)
        show_times(outcome.steps)
        switched = sum(1 for text in outcome.hosts.values() if text == DONE)
        say(f"{plan.action}: {plan.target}: {switched} hosts changed in {time.monotonic() - started:.0f} s")
        for name, text in outcome.hosts.items():
            if text == PUT_BACK:
                say(f"{name}: {text}")

    def _record(
        self,
        observed: Observation,
        plan: Plan,
        lock: Lock,
        request: Request,
        outcome: Outcome,
        started: float,
        tidy: Mapping[str, Script],
    ) -> None:
        publishes = plan.action == "publish"
        entry = Entry(
            id=f"{plan.id}{'' if outcome.result == 'ok' else '-' + outcome.result}",
            at=self.now(),
            action=plan.action,
            operator=self.operator,
            reason=request.reason,
            result=outcome.result,
            release=None if publishes or plan.target == OWN_FILES else plan.target,
            snapshot=plan.target if publishes else None,
            stations_entered=plan.stations_entered,
            previous=observed.log.snapshot if publishes else observed.log.release,
            dropped=observed.log.above(plan.target) if plan.action == "rollback" else (),
            seconds=round(time.monotonic() - started, 1),
            emergency=request.emergency,
            hosts=outcome.hosts,
            steps=tuple(outcome.steps),
        )
        token = lock.record.token
        if self.held is None:
            hosts = [host.name for host in observed.answering]
            self.note(observed, entry, then={name: release_lock(token, tidy.get(name)) for name in hosts})
        else:
            self.note(observed, entry, then={name: fence(token).then(do) for name, do in tidy.items()})
            replace(lock, record=lock.record.model_copy(update={"intent": None})).take()

    def _raise_if_left(self, outcome: Outcome) -> None:
        left = {name: text for name, text in outcome.hosts.items() if text.startswith(LEFT)}
        for name, text in left.items():
            say(f"{name}: {text}")
        if outcome.error is None and outcome.result in {"ok", "aborted"}:
            return  # within the budget: the rollout goes on without what failed
        back = sum(1 for text in outcome.hosts.values() if text == PUT_BACK)
        state = f"{back} hosts have what they had" if back else "no host was changed"
        if left:
            state += (
                f"; {', '.join(left)} could not be put back and {'is' if len(left) == 1 else 'are'} out of the pool"
            )
        message = outcome.error.message if outcome.error else "the rollout was not undone everywhere"
        next_command = outcome.error.next_command if outcome.error else None
        raise OperatorError(f"{message}; {state}", next_command=next_command or "fab status and fab history")


def _was_touched(observed: Observation, change: HostChange, intent: Intent) -> bool:
    """Whether an interrupted rollout came as far as a host: it keeps what it had before, or it is out of the pool."""
    name = change.host.name
    state = observed.states.get(name)
    if name not in intent.hosts:
        return False
    if state is None or intent.id in state.rollouts or intent.action == "publish":
        return True
    drained = observed.servers.get(name) == "drained" or observed.locations.get(change.host.location) == "drained"
    return drained and len(change.steps) > 1
