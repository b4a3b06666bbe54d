"""Deploying, rolling back, configuring: what each brings, and how an interrupted one ends.

Publishing is in roles/tasks/results.py.
"""

from collections.abc import Callable
from pathlib import Path

from infra.bridge.errors import OperatorError
from roles.artefacts.files import Templates
from roles.artefacts.release import Release, build_release, find_release
from roles.artefacts.snapshot import StoredSnapshot, find_snapshot
from roles.hosts.lock import Intent
from roles.hosts.state import Observation, observe
from roles.rollout.build import ReleasePlanner
from roles.rollout.changes import Target
from roles.rollout.formats import check_release_reads
from roles.rollout.plan import Planner, Rollout
from roles.rollout.request import Request, policy_for, this_operator
from roles.rollout.rollback import check_release_known, choose_rollback
from roles.rollout.session import Session
from roles.rollout.snapshot_plan import SnapshotPlanner
from roles.rollout.wanted import NowhereError, Wanted
from roles.stack.checkout import Checkout
from roles.stack.stack import Stack
from roles.terminal import say


def session_on(stack: Stack) -> Session:
    """Who rolls out on a stack, with the lock that this checkout holds."""
    return Session(stack.fleet, this_operator(), stack.held_token)


def build_or_find(project: Path, name: str | None = None, *, version: str | None = None) -> Release:
    """The named release from dist/, or the one of this checkout, built.

    Raises:
        OperatorError: It isn't there, or can't be built.
    """
    checkout = Checkout(project, "")
    return find_release(checkout, name) if name else build_release(checkout, version)


def deploy(stack: Stack, release: Release, request: Request) -> str:
    """Roll a release out, with its configuration; returns its name."""
    session, observed = session_on(stack), observe(stack.fleet)
    target = Wanted(stack).target_of_release(release, observed)
    check_release_reads(target, observed)
    session.roll_out(ReleasePlanner(observed, session.begin("deploy", request), target), request)
    return release.name


def rollback(stack: Stack, name: str | None, request: Request) -> str:
    """Return to the previous good release, or to the named one; returns its name."""
    session, observed = session_on(stack), observe(stack.fleet)
    if not request.shown:
        session.check(observed, "rollback", request)  # a stack that is frozen is no question of which release
    name = name or choose_rollback(observed)
    check_release_known(observed, name)
    target = Wanted(stack).target_of_name(name, observed)
    check_release_reads(target, observed)
    session.roll_out(ReleasePlanner(observed, session.begin("rollback", request), target), request)
    return name


def configure(stack: Stack, request: Request) -> str | None:
    """Bring every host's files to what this checkout's base and the current release say; returns its name."""
    session, observed = session_on(stack), observe(stack.fleet)
    target = Wanted(stack).target_in_force(observed)
    name = target.release_name
    if target.released is not None and target.released.texts != Templates.of_checkout().texts:
        say(f"configure: templates/ here are not those of {name}, which stay in force: fab deploy brings them")
    session.roll_out(ReleasePlanner(observed, session.begin("configure", request), target), request)
    return name


def catch_up(stack: Stack, request: Request) -> None:
    """Bring app hosts that lack them the release and the results that the log says."""
    observed = observe(stack.fleet)
    log = observed.log
    apps = [observed.states[host.name] for host in observed.answering if "app" in host.roles]
    if log.snapshot and any(state.snapshot != log.snapshot for state in apps):
        send_snapshot(stack, find_snapshot(stack.checkout, log.snapshot), observed, request)
    if log.release and any(state.release != log.release for state in apps):
        deploy(stack, find_release(stack.checkout, log.release), request)


def resume(stack: Stack, reason: str | None, *, accept_doubt: bool = False) -> None:
    """End an interrupted rollout.

    Args:
        stack: The stack.
        reason: Why the lock is taken from whoever has it; None if it is ours.
        accept_doubt: Whether it goes on where a gate can't tell whether a canary is worse.

    Raises:
        OperatorError: There is none, or what it brings is neither here nor on a host any more.
    """
    session, wanted = session_on(stack), Wanted(stack)
    lock, intent = session.take_over(reason)
    if accept_doubt:
        intent = intent.model_copy(update={"policy": policy_for(intent.policy, gate_in_doubt="go on")})

    def target(observed: Observation) -> Target:
        try:
            return wanted.target_of_journal(intent.target, observed)
        except NowhereError as error:
            raise OperatorError(
                f"{error.message}: the {intent.action} can't be ended from here; it was not touched, and waits",
                next_command="fab resume --reason '…' from the checkout that built it, or fab abort",
            ) from error

    session.resume(_planner_of(stack, intent, target), lock, intent, reason or "")


def abort(stack: Stack, reason: str | None) -> None:
    """Undo an interrupted rollout.

    Raises:
        OperatorError: There is none, or a host could not be put back.
    """
    session, wanted = session_on(stack), Wanted(stack)
    lock, intent = session.take_over(reason)

    def target(observed: Observation) -> Target:
        try:
            return wanted.target_of_journal(intent.target, observed)
        except NowhereError:
            return wanted.target_of_nothing(observed)

    session.abort(_planner_of(stack, intent, target), lock, intent, reason or "")


def send_snapshot(stack: Stack, snapshot: StoredSnapshot, observed: Observation, request: Request) -> None:
    """Bring a snapshot to every app host."""
    session = session_on(stack)
    session.roll_out(SnapshotPlanner(observed, session.begin("publish", request), snapshot), request)


def _planner_of(stack: Stack, intent: Intent, target: Callable[[Observation], Target]) -> Planner:
    """The planner of a rollout that was interrupted, by what the hosts have now."""
    observed = observe(stack.fleet)
    rollout = Rollout(intent.id, intent.action, intent.policy, intent.hosts)
    if intent.action == "publish":
        return SnapshotPlanner(observed, rollout, find_snapshot(stack.checkout, intent.target))
    return ReleasePlanner(observed, rollout, target(observed))
