"""The operators' tasks: `fab --list`. What they do is in roles/tasks/."""
# fabric has no types
# pyright: reportUntypedFunctionDecorator=false

from collections.abc import Callable
from pathlib import Path

from fabric import task  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]  # it has none
from invoke.context import Context

from infra.bridge.errors import OperatorError
from roles.hosts.lock import policy_for
from roles.rollout.request import Request, check_reason
from roles.tasks import bring_up, planning
from roles.tasks.housekeeping import Housekeeping
from roles.tasks.looking_back import LookingBack
from roles.tasks.operations import SAMPLE, Operations, build_or_find, operations
from roles.tasks.publishing import bring_bucket, with_bucket
from roles.terminal import operator_command, say

PROJECT = Path(__file__).resolve().parent
STACK = {"stack": "The stack; default: the one that `pulumi stack select` chose."}
SOURCE = {"source": f"Directory with regions.csv.gz and tps.csv.gz; default: {SAMPLE}."}
RELEASE = {"release": "A release by name; default: this checkout's, built if need be."}
REASON = {"reason": "Why: it is in the log, and shown to whoever it stops."}
CAREFUL = {
    "max-parallel": "App hosts of a location at the same time.",
    "soak-seconds": "How long a canary is watched.",
    "capacity-floor-percent": "Part of a location that always goes on serving.",
    "unreachable-hosts": "Hosts that may be unreachable.",
    "failed-hosts": "Hosts that a step may fail on.",
    "dry-run": "Print what would run on each host, to the letter, and do nothing.",
    "emergency": "Overrule a lock and a freeze; needs --reason.",
    **REASON,
}


def request_for(
    on_stack: Operations,
    reason: str = "",
    *,
    emergency: bool = False,
    shown: str = "",
    max_parallel: int | None = None,
    soak_seconds: int | None = None,
    capacity_floor_percent: int | None = None,
    unreachable_hosts: int | None = None,
    failed_hosts: int | None = None,
) -> Request:
    """How a rollout was asked for."""
    if emergency and not reason.strip():
        raise OperatorError("an emergency needs a reason", next_command="the same with --reason '…'")
    policy = policy_for(
        on_stack.fleet.inventory.rollout,
        max_parallel=max_parallel,
        soak_seconds=soak_seconds,
        capacity_floor_percent=capacity_floor_percent,
        unreachable_hosts=unreachable_hosts,
        failed_hosts=failed_hosts,
    )
    return Request(policy, check_reason(reason), emergency, shown)


@task(help={"version": "Instead of the service's own version."})
@operator_command
def build(_: Context, version: str | None = None) -> None:
    """Build and sign a release of the results service into dist/."""
    say(f"build: {build_or_find(PROJECT, version=version).name}")


@task(help={**RELEASE, **STACK})
@operator_command
def plan(_: Context, release: str | None = None, stack: str | None = None) -> None:
    """Show what a deploy would do, in which order."""
    with operations(PROJECT, stack) as on_stack:
        request = request_for(on_stack, shown="plan")
        with_bucket(on_stack, request, lambda tasks: tasks.deploy(build_or_find(PROJECT, release), request))


def rollout_task(
    name: str, release: str, summary: str, act: Callable[[Operations, str | None, Request], str]
) -> object:
    """A task with every option of a rollout.

    Args:
        name: The task's name.
        release: What its option of that name means.
        summary: What it does, for `fab --list`.
        act: Does it.
    """

    def run(
        _: Context,
        release: str | None = None,
        stack: str | None = None,
        reason: str = "",
        max_parallel: int | None = None,
        soak_seconds: int | None = None,
        capacity_floor_percent: int | None = None,
        unreachable_hosts: int | None = None,
        failed_hosts: int | None = None,
        *,
        dry_run: bool = False,
        emergency: bool = False,
    ) -> None:
        with operations(PROJECT, stack) as on_stack:
            request = request_for(
                on_stack,
                reason,
                emergency=emergency,
                shown="dry-run" if dry_run else "",
                max_parallel=max_parallel,
                soak_seconds=soak_seconds,
                capacity_floor_percent=capacity_floor_percent,
                unreachable_hosts=unreachable_hosts,
                failed_hosts=failed_hosts,
            )
            with_bucket(on_stack, request, lambda tasks: act(tasks, release, request))

    run.__doc__ = summary
    make = task(name=name, help={"release": release, **CAREFUL, **STACK})  # pyright: ignore[reportUnknownVariableType]
    return make(operator_command(run))  # pyright: ignore[reportUnknownVariableType]


deploy = rollout_task(
    "deploy",
    RELEASE["release"],
    "Roll a release out with its configuration: canary, gate, location after location, no failed request.",
    lambda on_stack, release, request: on_stack.deploy(build_or_find(PROJECT, release), request),
)
rollback = rollout_task(
    "rollback",
    "A release by name; default: the previous good one.",
    "Return to the previous good release and its configuration.",
    lambda on_stack, release, request: on_stack.rollback(release, request),
)


@task(help={name: CAREFUL[name] for name in ("dry-run", "emergency", "reason", "soak-seconds")} | STACK)
@operator_command
def configure(
    _: Context,
    stack: str | None = None,
    reason: str = "",
    soak_seconds: int | None = None,
    *,
    dry_run: bool = False,
    emergency: bool = False,
) -> None:
    """Bring every host's files to what the current release and the base say, drained where it matters."""
    with operations(PROJECT, stack) as on_stack:
        shown = "dry-run" if dry_run else ""
        request = request_for(on_stack, reason, emergency=emergency, shown=shown, soak_seconds=soak_seconds)
        with_bucket(on_stack, request, lambda tasks: tasks.configure(request))


@task(help={**SOURCE, "allow-errors": "Publish without the rows that don't fit.", **REASON, **STACK})
@operator_command
def publish(
    _: Context, source: str = SAMPLE, stack: str | None = None, reason: str = "", *, allow_errors: bool = False
) -> None:
    """Bring the results of a source to every app host."""
    with operations(PROJECT, stack) as on_stack:
        request = request_for(on_stack, reason)
        with_bucket(
            on_stack, request, lambda tasks: tasks.publish(PROJECT / source, request, allow_errors=allow_errors)
        )


@task(help={"dry-run": "Say what would be written, and write nothing.", **STACK})
@operator_command
def bucket(_: Context, stack: str | None = None, *, dry_run: bool = False) -> None:
    """Bring the bucket, which new hosts and the CDN's fallback read, to what the hosts have."""
    with operations(PROJECT, stack) as on_stack:
        bring_bucket(on_stack, shown=dry_run)


@task(help={"reason": "Needed to take it from somebody else.", **STACK})
@operator_command
def resume(_: Context, reason: str | None = None, stack: str | None = None) -> None:
    """End a rollout that was interrupted."""
    with operations(PROJECT, stack) as on_stack:
        request = request_for(on_stack)
        with_bucket(on_stack, request, lambda tasks: tasks.resume(reason))


@task(help={"reason": "Needed to take it from somebody else.", **STACK})
@operator_command
def abort(_: Context, reason: str | None = None, stack: str | None = None) -> None:
    """Undo a rollout that was interrupted."""
    with operations(PROJECT, stack) as on_stack:
        request = request_for(on_stack)
        with_bucket(on_stack, request, lambda tasks: tasks.abort(reason))


@task(help={**REASON, "take-over": "Take it from whoever has it.", **STACK})
@operator_command
def lock(_: Context, reason: str = "", stack: str | None = None, *, take_over: bool = False) -> None:
    """Keep the stack for this checkout."""
    with operations(PROJECT, stack) as on_stack:
        Housekeeping(on_stack).lock(reason, take_over=take_over)


@task(help=STACK)
@operator_command
def unlock(_: Context, stack: str | None = None) -> None:
    """Give the lock back."""
    with operations(PROJECT, stack) as on_stack:
        Housekeeping(on_stack).unlock()


@task(help={**REASON, **STACK})
@operator_command
def freeze(_: Context, reason: str = "", stack: str | None = None) -> None:
    """Stop every change but the publication of results."""
    with operations(PROJECT, stack) as on_stack:
        Housekeeping(on_stack).freeze(reason)


@task(help={**REASON, **STACK})
@operator_command
def unfreeze(_: Context, reason: str = "", stack: str | None = None) -> None:
    """Let changes through again."""
    with operations(PROJECT, stack) as on_stack:
        Housekeeping(on_stack).unfreeze(reason)


@task(name="mark-bad", positional=["release"], help={"release": "Its name.", **REASON, **STACK})
@operator_command
def mark_bad(_: Context, release: str, reason: str = "", stack: str | None = None) -> None:
    """Mark a release bad: no rollback goes to it."""
    with operations(PROJECT, stack) as on_stack:
        Housekeeping(on_stack).mark(release, reason, bad=True)


@task(name="mark-good", positional=["release"], help={"release": "Its name.", **REASON, **STACK})
@operator_command
def mark_good(_: Context, release: str, reason: str = "", stack: str | None = None) -> None:
    """Take the mark off a release."""
    with operations(PROJECT, stack) as on_stack:
        Housekeeping(on_stack).mark(release, reason, bad=False)


@task(name="drain-location", positional=["location"], help={"location": "Its name.", **REASON, **STACK})
@operator_command
def drain_location(
    _: Context, location: str, reason: str = "", stack: str | None = None, *, emergency: bool = False
) -> None:
    """Take a location out at the edge, gently."""
    with operations(PROJECT, stack) as on_stack:
        Housekeeping(on_stack).drain_location(location, reason, emergency=emergency)


@task(name="undrain-location", positional=["location"], help={"location": "Its name.", **REASON, **STACK})
@operator_command
def undrain_location(_: Context, location: str, reason: str = "", stack: str | None = None) -> None:
    """Put a location back at the edge."""
    with operations(PROJECT, stack) as on_stack:
        Housekeeping(on_stack).undrain_location(location, reason)


@task(help=STACK)
@operator_command
def certificate(_: Context, stack: str | None = None) -> None:
    """Bring certificates and keys: to an edge on a machine of one's own, and to load balancers that a CDN asks."""
    with operations(PROJECT, stack) as on_stack:
        Housekeeping(on_stack).certificate()


@task(help={"json": "As JSON lines.", "last": "How many entries; default: 20.", **STACK})
@operator_command
def history(_: Context, last: int = 20, stack: str | None = None, *, json: bool = False) -> None:
    """Show who changed what, when and why."""
    with operations(PROJECT, stack) as on_stack:
        LookingBack(on_stack).history(json=json, last=last)


@task(help=STACK)
@operator_command
def releases(_: Context, stack: str | None = None) -> None:
    """List the releases that can be rolled back to."""
    with operations(PROJECT, stack) as on_stack:
        LookingBack(on_stack).releases()


@task(help=STACK)
@operator_command
def drift(_: Context, stack: str | None = None) -> None:
    """Compare each host with what the log says it should be; fail if one differs."""
    with operations(PROJECT, stack) as on_stack:
        LookingBack(on_stack).drift()


@task(help=STACK)
@operator_command
def status(_: Context, stack: str | None = None) -> None:
    """Show a line for each host; fail if one is not healthy."""
    with operations(PROJECT, stack) as on_stack:
        on_stack.status()


@task(help=STACK)
@operator_command
def verify(_: Context, stack: str | None = None) -> None:
    """Check every host with the testinfra suite of tests/hosts/."""
    with operations(PROJECT, stack) as on_stack:
        on_stack.verify()


@task(help={**SOURCE, "stack": "The stack; default: lokal."})
@operator_command
def up(_: Context, stack: str = "lokal", source: str = SAMPLE) -> None:
    """Do all of it: provision, build, deploy, publish, verify, status."""
    bring_up.up(PROJECT, stack, PROJECT / source)


@task(help={"stack": "The stack; default: lokal."})
@operator_command
def down(_: Context, stack: str = "lokal") -> None:
    """Remove everything that `up` made."""
    bring_up.down(PROJECT, stack)


cost, ready = planning.cost, planning.ready
