"""The operators' tasks: `fab --list`. What they do is in roles/operations.py."""
# fabric has no types
# pyright: reportUntypedFunctionDecorator=false

from pathlib import Path

from fabric import task  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]  # it has none
from invoke.context import Context

from roles import bring_up
from roles.operations import SAMPLE, build_or_find, operations
from roles.terminal import operator_command, say

PROJECT = Path(__file__).resolve().parent
STACK = {"stack": "The stack; default: the one that `pulumi stack select` chose."}
SOURCE = {"source": f"Directory with regions.csv.gz and tps.csv.gz; default: {SAMPLE}."}
RELEASE = {"release": "A release by name; default: this checkout's, built if need be."}
DRY_RUN = {"dry-run": "Show what would be done, host by host, and do nothing."}


@task(help=STACK)
@operator_command
def configure(_: Context, stack: str | None = None) -> None:
    """Bring every host's files to what they should be."""
    with operations(PROJECT, stack) as on_stack:
        on_stack.configure()


@task(help={"version": "Instead of the service's own version."})
@operator_command
def build(_: Context, version: str | None = None) -> None:
    """Build and sign a release of the results service into dist/."""
    say(f"build: {build_or_find(PROJECT, version=version).name}")


@task(help={**RELEASE, **DRY_RUN, **STACK})
@operator_command
def deploy(_: Context, release: str | None = None, stack: str | None = None, *, dry_run: bool = False) -> None:
    """Roll a release out, host by host, without a failed request."""
    with operations(PROJECT, stack) as on_stack:
        on_stack.deploy(build_or_find(PROJECT, release), dry_run=dry_run)


@task(help={"release": "A release by name; default: the previous good one.", **DRY_RUN, **STACK})
@operator_command
def rollback(_: Context, release: str | None = None, stack: str | None = None, *, dry_run: bool = False) -> None:
    """Return to the previous good release, host by host."""
    with operations(PROJECT, stack) as on_stack:
        on_stack.rollback(release, dry_run=dry_run)


@task(help={**SOURCE, "allow-errors": "Publish without the rows that don't fit.", **STACK})
@operator_command
def publish(_: Context, source: str = SAMPLE, stack: str | None = None, *, allow_errors: bool = False) -> None:
    """Bring the results of a source to every app host."""
    with operations(PROJECT, stack) as on_stack:
        on_stack.publish(PROJECT / source, allow_errors=allow_errors)


@task(help=STACK)
@operator_command
def releases(_: Context, stack: str | None = None) -> None:
    """List the releases on the app hosts."""
    with operations(PROJECT, stack) as on_stack:
        on_stack.releases()


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
    """Do all of it: provision, configure, build, deploy, publish, verify, status."""
    bring_up.up(PROJECT, stack, PROJECT / source)


@task(help={"stack": "The stack; default: lokal."})
@operator_command
def down(_: Context, stack: str = "lokal") -> None:
    """Remove everything that `up` made."""
    bring_up.down(PROJECT, stack)
