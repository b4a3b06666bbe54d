"""Publishing results: built of what is shown, refused where they would turn the public's numbers back, and sent."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from app.loader.addresses import short_name
from app.loader.announcement import NOTHING, Announcement
from infra.bridge.errors import OperatorError
from infra.bridge.inventory import RolloutPolicy
from roles.artefacts.facts import Facts, kept_facts, why_older
from roles.artefacts.loading import Loader
from roles.artefacts.snapshot import StoredSnapshot, built_before, ensure_snapshot, find_snapshot
from roles.hosts.state import Observation, observe
from roles.rollout.request import Request, policy_for, this_operator
from roles.scripts.snapshots import read_manifest
from roles.stack.stack import Stack
from roles.tasks.rollouts import abort, resume, send_snapshot
from roles.terminal import build_progress, say


class OlderError(OperatorError):
    """Results would turn the public's numbers back."""

    def __init__(self, source: str | Path, why: str) -> None:
        super().__init__(
            f"{short_name(str(source))} would turn the public's numbers back: {why}; nothing was published",
            next_command=f"fab publish --source {source} --correction '…', in words that the public may read",
        )


@dataclass(frozen=True)
class Results:
    """What is to be published.

    Args:
        source: A directory with the two tables, or an address of PostgreSQL.
        allow_errors: Leave out rows that don't fit.
        announcement: What it tells the public; with a correction, it may turn the public's numbers back.
    """

    source: str | Path
    allow_errors: bool = False
    announcement: Announcement = NOTHING


def publish(stack: Stack, results: Results, request: Request) -> StoredSnapshot:
    """Bring results to every app host; returns the snapshot that they are in.

    Raises:
        OlderError: They are older or fewer than those that are shown.
        OperatorError: The source can't be used, or a step failed.
    """
    correction = results.announcement.correction
    with ExitStack() as reading:
        loader = None if _is_known(stack, results) else reading.enter_context(_loader(stack, results))
        observed = end_interrupted(stack, observe(stack.fleet))
        shown = what_is_shown(stack, observed, must=not correction)
        progress = reading.enter_context(build_progress())
        snapshot = ensure_snapshot(
            stack.checkout,
            results.source,
            progress,
            allow_errors=results.allow_errors,
            shown=shown,
            announcement=results.announcement,
            loader=loader,
        )
    may_fall = stack.fleet.inventory.rollout.votes_may_fall_percent / 100
    older = why_older(shown, snapshot.facts, may_fall) if shown and snapshot.facts else None
    if older and not correction:
        raise OlderError(results.source, older)
    if older:
        say(f"publish: the public's numbers go back: {older}")
    if shown and is_everywhere(shown, snapshot.facts, observed):
        snapshot = replace(snapshot, name=shown.snapshot)
    send_snapshot(stack, snapshot, observed, replace(request, policy=waiting_for_nobody(request.policy, observed)))
    if snapshot.skipped:
        say(f"publish: {snapshot.skipped} rows were left out")
    return snapshot


def _is_known(stack: Stack, results: Results) -> bool:
    return built_before(stack.checkout, results.source, allow_errors=results.allow_errors) is not None


def _loader(stack: Stack, results: Results) -> Loader:
    """A loader that reads the source while the hosts are looked at."""
    return Loader(stack.checkout, results.source, allow_errors=results.allow_errors)


def waiting_for_nobody(policy: RolloutPolicy, observed: Observation) -> RolloutPolicy:
    """A policy with which a host that can't keep up is left out, as one that doesn't answer, and so is a lost location.

    The public's newest results wait for nobody. Without an edge of one's own nobody could keep a location that we can't
    reach, and others can, from showing what it has: there as many hosts may be lost as in any rollout.
    """
    inventory, away = observed.inventory, policy.unreachable_hosts
    if inventory.with_role("edge"):
        away = max(away, *Counter(host.location for host in inventory.hosts).values())
    return policy_for(policy, unreachable_hosts=away, failed_hosts=max(policy.failed_hosts, policy.unreachable_hosts))


def end_interrupted(stack: Stack, observed: Observation) -> Observation:
    """End a publication of ours that was killed, so that the next one begins where it would have been; nobody else's.

    Args:
        stack: The stack.
        observed: What its hosts have.

    Returns:
        What they have then.

    Raises:
        OperatorError: It could not be ended.
    """
    lock = observed.lock
    if lock is None or lock.intent is None or lock.intent.action != "publish":
        return observed
    if not lock.holder_is_gone(this_operator()):
        return observed
    shown = {observed.states[host.name].snapshot for host in observed.answering if "app" in host.roles}
    if find_snapshot(stack.checkout, lock.intent.target).is_here or lock.intent.target in shown:
        say(f"publish: the publication of {lock.intent.target} was interrupted; it is ended first")
        resume(stack, None)
    else:  # nobody shows it, and nobody could send it any more
        say(f"publish: the publication of {lock.intent.target} was interrupted, and it is not in dist/: it is undone")
        abort(stack, None)
    return observe(stack.fleet)


def is_everywhere(shown: Facts, built: Facts | None, observed: Observation) -> bool:
    """Whether every host shows just this already, built elsewhere or at another time: only its times would change."""
    states = [observed.states.get(host.name) for host in observed.inventory.with_role("app")]
    everywhere = all(state is not None and state.snapshot == shown.snapshot for state in states)
    return everywhere and built is not None and built.content == shown.content


def what_is_shown(stack: Stack, observed: Observation, *, must: bool = True) -> Facts | None:
    """The facts of the results that the log says everybody is to see; None before there are any.

    Args:
        stack: The stack.
        observed: What its hosts have.
        must: Whether it is an error if nobody can say.

    Raises:
        OperatorError: They are neither in dist/ nor on a host that answers: nobody can say what would be older.
    """
    name = observed.log.snapshot
    if name is None:
        return None
    if facts := find_snapshot(stack.checkout, name).facts:
        return facts
    for host in observed.answering:
        if "app" in host.roles and name in observed.states[host.name].snapshots:
            try:
                printed = stack.fleet[host].run("reading what its results are", read_manifest(name))
                return kept_facts(name, printed, stack.signers)
            except OperatorError as error:
                say(f"{host.name}: {error.message}")
    if not must:
        return None
    raise OperatorError(
        f"nobody here can say what {name} shows, which the log says is shown; nothing was published",
        next_command="fab status; then fab publish from the checkout that published it",
    )
