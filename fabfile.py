"""The operators' tasks: `fab --list`. What they do is in roles/tasks/."""
# fabric has no types
# pyright: reportUntypedFunctionDecorator=false

from pathlib import Path

from fabric import task  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]  # it has none
from invoke.context import Context

from app.loader.announcement import Announcement
from roles import tasks
from roles.artefacts.sources import source_at
from roles.command_line import number_option
from roles.output import make_output_unfailing
from roles.rollout.request import Request, RolloutOptions
from roles.stack.checkout import SAMPLE
from roles.stack.stack import open_stack
from roles.tasks import planning
from roles.tasks.options import option_help, takes_rollout_options
from roles.terminal import operator_command, say

make_output_unfailing()

PROJECT = Path(__file__).resolve().parent
STACK = {"stack": "The stack; default: the one that `pulumi stack select` chose."}
SOURCE = {"source": f"Directory with the tables regions and tps, or postgresql://…; default: {SAMPLE}."}
RELEASE = {"release": "A release by name; default: this checkout's, built if need be."}
REASON = option_help(["reason"])
OF_CONFIGURATION = ("reason", "soak_seconds", "accept_doubt", "dry_run", "emergency")


@task(help={"version": "Instead of the service's own version."})
@operator_command
def build(_: Context, version: str | None = None) -> None:
    """Build and sign a release of the results service into dist/."""
    say(f"build: {tasks.rollouts.build_or_find(PROJECT, version=version).name}")


@task(help={**RELEASE, **STACK})
@operator_command
def plan(_: Context, release: str | None = None, stack: str | None = None) -> None:
    """Show what a deploy would do, in which order."""
    with open_stack(PROJECT, stack) as opened:
        request = Request(opened.fleet.inventory.rollout, shown="plan")
        built = tasks.rollouts.build_or_find(PROJECT, release)
        tasks.publishing.with_bucket(opened, request, lambda: tasks.rollouts.deploy(opened, built, request))


@task(help={**RELEASE, **option_help(), **STACK})
@operator_command
@takes_rollout_options()
def deploy(_: Context, release: str | None = None, stack: str | None = None, *, options: RolloutOptions) -> None:
    """Roll a release out with its configuration: canary, gate, location after location, no failed request."""
    with open_stack(PROJECT, stack) as opened:
        request = options.request(opened.fleet.inventory.rollout)
        built = tasks.rollouts.build_or_find(PROJECT, release)
        tasks.publishing.with_bucket(opened, request, lambda: tasks.rollouts.deploy(opened, built, request))


@task(help={"release": "A release by name; default: the previous good one.", **option_help(), **STACK})
@operator_command
@takes_rollout_options()
def rollback(_: Context, release: str | None = None, stack: str | None = None, *, options: RolloutOptions) -> None:
    """Return to the previous good release and its configuration."""
    with open_stack(PROJECT, stack) as opened:
        request = options.request(opened.fleet.inventory.rollout)
        tasks.publishing.with_bucket(opened, request, lambda: tasks.rollouts.rollback(opened, release, request))


@task(help={**option_help(OF_CONFIGURATION), **STACK})
@operator_command
@takes_rollout_options(OF_CONFIGURATION)
def configure(_: Context, stack: str | None = None, *, options: RolloutOptions) -> None:
    """Bring every host's files to what the current release and the base say, drained where it matters."""
    with open_stack(PROJECT, stack) as opened:
        request = options.request(opened.fleet.inventory.rollout)
        tasks.publishing.with_bucket(opened, request, lambda: tasks.rollouts.configure(opened, request))


@task(
    help={
        **SOURCE,
        "allow-errors": "Publish without the rows that don't fit.",
        "every": "Again and again, on the clock: 15m, 90s, 1h. Under systemd: docs/publishing.md.",
        "alert": "With --every: a command that gets, as its last word, what is late or refused.",
        "correction": "Publish older or fewer results than those that are shown: why, for the public to read.",
        **REASON,
        **STACK,
    }
)
@operator_command
def publish(
    _: Context,
    source: str = SAMPLE,
    stack: str | None = None,
    reason: str = "",
    correction: str = "",
    every: str = "",
    alert: str = "",
    *,
    allow_errors: bool = False,
) -> None:
    """Bring the results of a source to every app host: once, or on the clock."""
    seconds = tasks.ticking.read_interval(every) if every else None
    announcement = Announcement(correction.strip() or None, seconds)
    results = tasks.results.Results(source_at(PROJECT, source), allow_errors=allow_errors, announcement=announcement)

    def once() -> None:
        with open_stack(PROJECT, stack) as opened:
            request = RolloutOptions(reason=reason).request(opened.fleet.inventory.rollout)
            tasks.archiving.publish(opened, results, request)

    if seconds:
        tasks.ticking.publish_every(PROJECT, seconds, alert, once)
    else:
        once()


@task(help={"dry-run": "Say what would be written, and write nothing.", **STACK})
@operator_command
def bucket(_: Context, stack: str | None = None, *, dry_run: bool = False) -> None:
    """Bring the bucket, which new hosts and the CDN's fallback read, to what the hosts have."""
    with open_stack(PROJECT, stack) as opened:
        tasks.publishing.bring_bucket(opened, shown=dry_run)


@task(help=STACK)
@operator_command
def archive(_: Context, stack: str | None = None) -> None:
    """Bring the archive, where the public checks what was published, to what the hosts have."""
    with open_stack(PROJECT, stack) as opened:
        tasks.archiving.bring_archive(opened)


@task(help={"reason": "Needed to take it from somebody else.", **option_help(["accept_doubt"]), **STACK})
@operator_command
def resume(_: Context, reason: str | None = None, stack: str | None = None, *, accept_doubt: bool = False) -> None:
    """End a rollout that was interrupted."""
    with open_stack(PROJECT, stack) as opened:
        request = Request(opened.fleet.inventory.rollout)

        def act() -> None:
            tasks.rollouts.resume(opened, reason, accept_doubt=accept_doubt)

        tasks.publishing.with_bucket(opened, request, act)


@task(help={"reason": "Needed to take it from somebody else.", **STACK})
@operator_command
def abort(_: Context, reason: str | None = None, stack: str | None = None) -> None:
    """Undo a rollout that was interrupted."""
    with open_stack(PROJECT, stack) as opened:
        request = Request(opened.fleet.inventory.rollout)
        tasks.publishing.with_bucket(opened, request, lambda: tasks.rollouts.abort(opened, reason))


@task(help={**REASON, "take-over": "Take it from whoever has it.", **STACK})
@operator_command
def lock(_: Context, reason: str = "", stack: str | None = None, *, take_over: bool = False) -> None:
    """Keep the stack for this checkout."""
    with open_stack(PROJECT, stack) as opened:
        tasks.housekeeping.Housekeeping(opened).lock(reason, take_over=take_over)


@task(help=STACK)
@operator_command
def unlock(_: Context, stack: str | None = None) -> None:
    """Give the lock back."""
    with open_stack(PROJECT, stack) as opened:
        tasks.housekeeping.Housekeeping(opened).unlock()


@task(help={**REASON, **STACK})
@operator_command
def freeze(_: Context, reason: str = "", stack: str | None = None) -> None:
    """Stop every change but the publication of results."""
    with open_stack(PROJECT, stack) as opened:
        tasks.housekeeping.Housekeeping(opened).freeze(reason)


@task(help={**REASON, **STACK})
@operator_command
def unfreeze(_: Context, reason: str = "", stack: str | None = None) -> None:
    """Let changes through again."""
    with open_stack(PROJECT, stack) as opened:
        tasks.housekeeping.Housekeeping(opened).unfreeze(reason)


@task(name="mark-bad", positional=["release"], help={"release": "Its name.", **REASON, **STACK})
@operator_command
def mark_bad(_: Context, release: str, reason: str = "", stack: str | None = None) -> None:
    """Mark a release bad: no rollback goes to it."""
    with open_stack(PROJECT, stack) as opened:
        tasks.housekeeping.Housekeeping(opened).mark(release, reason, bad=True)


@task(name="mark-good", positional=["release"], help={"release": "Its name.", **REASON, **STACK})
@operator_command
def mark_good(_: Context, release: str, reason: str = "", stack: str | None = None) -> None:
    """Take the mark off a release."""
    with open_stack(PROJECT, stack) as opened:
        tasks.housekeeping.Housekeeping(opened).mark(release, reason, bad=False)


@task(name="drain-location", positional=["location"], help={"location": "Its name.", **REASON, **STACK})
@operator_command
def drain_location(
    _: Context, location: str, reason: str = "", stack: str | None = None, *, emergency: bool = False
) -> None:
    """Take a location out at the edge, gently."""
    with open_stack(PROJECT, stack) as opened:
        tasks.housekeeping.Housekeeping(opened).drain_location(location, reason, emergency=emergency)


@task(name="undrain-location", positional=["location"], help={"location": "Its name.", **REASON, **STACK})
@operator_command
def undrain_location(_: Context, location: str, reason: str = "", stack: str | None = None) -> None:
    """Put a location back at the edge."""
    with open_stack(PROJECT, stack) as opened:
        tasks.housekeeping.Housekeeping(opened).undrain_location(location, reason)


@task(positional=["host"], help={"host": "Its name.", **REASON, **STACK})
@operator_command
def discard(_: Context, host: str, reason: str = "", stack: str | None = None, *, emergency: bool = False) -> None:
    """Take an app host out that was altered, and set aside what it has."""
    with open_stack(PROJECT, stack) as opened:
        tasks.discard.discard(opened, host, reason, emergency=emergency)


@task(help=STACK)
@operator_command
def certificate(_: Context, stack: str | None = None) -> None:
    """Bring certificates and keys: to an edge on a machine of one's own, and to load balancers that a CDN asks."""
    with open_stack(PROJECT, stack) as opened:
        tasks.housekeeping.Housekeeping(opened).certificate()


@task(help={"json": "As JSON lines.", "last": "How many entries; default: 20.", **STACK})
@operator_command
def history(_: Context, last: str = "20", stack: str | None = None, *, json: bool = False) -> None:
    """Show who changed what, when and why."""
    entries = int(number_option("last", last, "history", least=1))
    with open_stack(PROJECT, stack) as opened:
        tasks.looking_back.LookingBack(opened).history(json=json, last=entries)


@task(help=STACK)
@operator_command
def releases(_: Context, stack: str | None = None) -> None:
    """List the releases that can be rolled back to."""
    with open_stack(PROJECT, stack) as opened:
        tasks.looking_back.LookingBack(opened).releases()


@task(help=STACK)
@operator_command
def drift(_: Context, stack: str | None = None) -> None:
    """Compare each host with what the log and the inventory say it should be; fail if one differs."""
    with open_stack(PROJECT, stack) as opened:
        tasks.drift.show_drift(opened)


@task(help=STACK)
@operator_command
def status(_: Context, stack: str | None = None) -> None:
    """Show a line for each host; fail if one is not healthy."""
    with open_stack(PROJECT, stack) as opened:
        tasks.status.status(opened)


@task(help=STACK)
@operator_command
def verify(_: Context, stack: str | None = None) -> None:
    """Check every host with the testinfra suite of tests/hosts/."""
    with open_stack(PROJECT, stack) as opened:
        tasks.verify.verify(opened.checkout, opened.fleet.inventory)


DESTROY = {"destroy": "How many hosts, networks and the like may be deleted or replaced; default: none."}


@task(help={**SOURCE, **DESTROY, "stack": "The stack; default: lokal."})
@operator_command
def up(_: Context, stack: str = "lokal", source: str = SAMPLE, destroy: str | None = None) -> None:
    """Do all of it: provision, build, deploy, publish, verify, status."""
    tasks.bring_up.up(PROJECT, stack, source_at(PROJECT, source), destroy)


@task(help={"stack": "The stack; default: lokal."})
@operator_command
def down(_: Context, stack: str = "lokal") -> None:
    """Remove everything that `up` made."""
    tasks.bring_up.down(PROJECT, stack)


cost, ready = planning.cost, planning.ready
