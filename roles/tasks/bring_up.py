"""The whole job on one stack, and its undoing."""

import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.losses import NAMED, SHOWN, planned_losses, read_number, refuse_unnamed
from infra.lab.claim import read_mark, sweep
from roles.artefacts.release import Release
from roles.hosts.state import observe
from roles.output import run_shown
from roles.rollout.request import Request
from roles.stack.checkout import Checkout
from roles.stack.engine import ask, environment, has_resources, planned_steps
from roles.stack.kept_state import refuse_damage
from roles.stack.names import settings_file
from roles.stack.stack import Stack, open_stack
from roles.tasks.archiving import bring_archive
from roles.tasks.housekeeping import Housekeeping
from roles.tasks.publishing import with_bucket
from roles.tasks.results import OlderError, Results, publish
from roles.tasks.rollouts import build_or_find, deploy
from roles.tasks.status import status
from roles.tasks.verify import verify
from roles.terminal import say


def up(project: Path, stack: str, source: str, destroy: str | None = None) -> None:
    """Provision, build, deploy, publish, verify, and show the table; what is in place already stays.

    Args:
        project: The checkout.
        stack: The stack; made if the engine doesn't know it.
        source: The results to publish.
        destroy: How many hosts, networks and the like may be deleted or replaced; None if none.

    Raises:
        OperatorError: A step failed; the next `up` goes on from there. Or the settings would destroy something, and
            its number is not the one that was given; nothing was changed.
    """
    started = time.monotonic()
    _select(project, stack)
    say(f"== pulumi up -s {stack}")
    _provision(project, stack, destroy)
    with open_stack(project, stack) as opened:
        request = Request(opened.fleet.inventory.rollout, "up")
        if opened.fleet.inventory.certificate_hosts:
            say("== fab certificate")
            Housekeeping(opened).certificate()
        say("== fab build")
        release = build_or_find(project)
        say(f"build: {release.name}")
        with_bucket(opened, request, lambda: _roll_out(opened, release, source, request))
        bring_archive(opened)
        say("== fab verify")
        verify(opened.checkout, opened.fleet.inventory)
        say("== fab status")
        status(opened)
    say(f"up: done in {time.monotonic() - started:.0f} s")


def _provision(project: Path, stack: str, destroy: str | None) -> None:
    """`pulumi up`, after a look at what it would destroy."""
    named = read_number(destroy, "--destroy")
    steps = planned_steps(project, stack, {NAMED: SHOWN}) if has_resources(project, stack) else []
    losses = planned_losses(steps)
    refuse_unnamed(stack, losses, named)
    for loss in losses:
        say(f"destroying: {loss}")
    words = ("up", "--yes", "--skip-preview", "--suppress-outputs", "-s", stack)
    _pulumi(project, *words, variables={NAMED: SHOWN} if losses else {})


def _roll_out(stack: Stack, release: Release, source: str, request: Request) -> None:
    say("== fab deploy")
    deploy(stack, release, request)
    say("== fab publish")
    try:
        publish(stack, Results(source), request)
    except OlderError as error:
        say(f"up: {error.message}; what is shown stays")
    if _out_of_pool(stack):
        say("== fab deploy, for hosts that showed old results")
        deploy(stack, release, request)


def _out_of_pool(stack: Stack) -> bool:
    """Whether an app host gets no requests because a rollout left it out."""
    observed = observe(stack.fleet)
    return any(state == "drained" and name in observed.states for name, state in observed.servers.items())


def down(project: Path, stack: str) -> None:
    """Destroy the stack, forget it, and clear what a lost state may have left on this machine.

    Machines that one owns are only forgotten: they go on as they are.

    Raises:
        OperatorError: The engine could not destroy something.
    """
    if ask(project, "stack", "output", "-s", stack).returncode == 0:
        _pulumi(project, "destroy", "--yes", "--skip-preview", "--suppress-outputs", "-s", stack)
        _pulumi(project, "stack", "rm", "--yes", "--preserve-config", "-s", stack)
    _sweep_left(project, stack)
    shutil.rmtree(Checkout(project, stack).stack_cache, ignore_errors=True)
    say(f"down: nothing is left of stack '{stack}' on this machine")


def _sweep_left(project: Path, stack: str) -> None:
    """Clear a lab that this checkout made, and that its state knows nothing of (any more)."""
    left = read_mark(stack)
    if left is None:
        return
    if left.checkout != str(project):
        raise OperatorError(
            f"stack '{stack}' has a lab on this machine still, of the checkout {left.checkout}, which this checkout's "
            "state doesn't know; it goes on as it is",
            next_command=f"cd {shlex.quote(left.checkout)} && .venv/bin/fab down --stack {stack}, or, if that checkout "
            f"is gone, .venv/bin/python -m infra.lab sweep {stack}",
        )
    sweep(stack)


def _select(project: Path, stack: str) -> None:
    settings = settings_file(project, stack)
    result = ask(project, "stack", "select", "--create", stack)
    if result.returncode != 0:
        words = (result.stderr.strip().splitlines() or ["no message"])[0].removeprefix("error: ")
        refuse_damage(project, stack)
        raise OperatorError(f"stack '{stack}' can't be selected: {words}", next_command="pulumi stack ls")
    refuse_damage(project, stack)
    _refresh_index(project, settings)


def _refresh_index(project: Path, settings: Path) -> None:
    """Let git see that only the engine's salt was added, which its filter leaves out (see .gitattributes)."""
    git = ["git", "-C", str(project)]
    if (project / ".git").exists():
        same = subprocess.run([*git, "diff", "--quiet", "--", str(settings)], check=False, capture_output=True)
        if same.returncode == 0:
            subprocess.run([*git, "add", "--", str(settings)], check=False, capture_output=True)


def _pulumi(project: Path, *words: str, variables: Mapping[str, str] | None = None) -> None:
    if run_shown(["pulumi", *words], project, {**environment(project), **(variables or {})}) != 0:
        command = f"pulumi {words[0]} -s {words[-1]}"
        raise OperatorError(f"`{command}` failed (its own message is above)", next_command=command)
