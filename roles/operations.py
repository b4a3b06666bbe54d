"""What the Fabric tasks do, one function each: fabfile.py only names them and their options."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.errors import OperatorError
from roles import configure as configuring
from roles import publish as publishing
from roles.engine import Outputs, read_outputs, selected_stack
from roles.files import read_signers
from roles.fleet import Checkout, Fleet
from roles.plan import Action, choose_rollback, plan_rollout, release_stack
from roles.pool import read_pools
from roles.release import Release, build_release, find_release
from roles.rollout import Rollout
from roles.scripts.layout import SIGNER
from roles.state import HostState, read_state
from roles.status import HEALTHY, read_status
from roles.terminal import build_progress, say, show_status, working
from roles.verify import verify as verify_hosts

SAMPLE = "samples/kpu-2019"


@dataclass(frozen=True)
class Operations:
    """The tasks on one stack.

    Args:
        checkout: The checkout and the stack.
        outputs: The stack's outputs.
        fleet: Its hosts; connections are shared by all tasks of a run.
    """

    checkout: Checkout
    outputs: Outputs
    fleet: Fleet

    def configure(self) -> int:
        """Bring every host's files to what they should be; return how many hosts were changed."""
        signers = read_signers(self.checkout.release_key.with_suffix(".pub"), SIGNER)
        hosts = self.fleet.inventory.hosts
        wanted = {host.name: configuring.files_of(self.fleet, host, signers) for host in hosts}
        changes = configuring.plan_changes(self.fleet, wanted)
        configuring.apply_changes(self.fleet, changes, say)
        files = sum(len(change.files) for change in changes)
        say(f"configure: {files} changes on {len(changes)} of {len(hosts)} hosts")
        return len(changes)

    def deploy(self, release: Release, *, dry_run: bool = False) -> None:
        """Roll a release out."""
        self._roll_out("deploy", release.name, release, dry_run=dry_run)

    def rollback(self, name: str | None = None, *, dry_run: bool = False) -> None:
        """Return to the previous good release, or to the named one."""
        states = self._app_states()
        name = name or choose_rollback(states)
        lacking = [host for host, state in states.items() if name not in state.releases]
        release = find_release(self.checkout, name) if lacking else None
        self._roll_out("rollback", name, release, dry_run=dry_run)

    def publish(self, source: Path, *, allow_errors: bool = False) -> None:
        """Bring the results of a source to every app host."""
        with build_progress() as progress:
            archive = publishing.ensure_snapshot(self.checkout, source, progress, allow_errors=allow_errors)
        with working(f"publishing {archive.name}"):
            switched = publishing.publish(self.fleet, archive, say)
        left_out = f"; {archive.skipped} rows were left out" if archive.skipped else ""
        say(f"publish: {archive.name}: {len(switched)} hosts switched{left_out}")

    def releases(self) -> None:
        """List each release that an app host has, with what each host did with it."""
        states = self._app_states()
        history = [entry for state in states.values() for entry in state.history]
        names = {name for state in states.values() for name in state.releases}
        activated = {name: max((entry.at for entry in history if entry.release == name), default="") for name in names}
        for name, at in sorted(activated.items(), key=lambda item: (item[1], item[0])):
            running = [host for host, state in states.items() if state.running_release == name]
            say(f"{name}  last activated {at or 'never'}  runs on: {', '.join(running) or 'no host'}")
        if not names:
            say("no host has a release")
        stacks = {tuple(release_stack(state.history)) for state in states.values()}
        if len(stacks) > 1:
            say("the hosts' histories differ: a rollout stopped half-way, or hosts were added since")

    def verify(self) -> None:
        """Run the testinfra suite."""
        verify_hosts(self.checkout, self.fleet.inventory)

    def status(self) -> None:
        """Show the table.

        Raises:
            OperatorError: Something is not healthy.
        """
        ca_file = self._ca_file()
        statuses = read_status(self.fleet, self.outputs.url, ca_file)
        show_status(statuses)
        say(f"url: {self.outputs.url}")
        if ca_file:
            say(f"ca: {ca_file}")
        unhealthy = [status.host.name for status in statuses if status.health != HEALTHY]
        if unhealthy:
            raise OperatorError(
                f"{len(unhealthy)} of {len(statuses)} hosts are not healthy: {', '.join(unhealthy)}",
                next_command=f"pulumi up -s {self.checkout.stack}, then fab configure, fab deploy and fab publish",
            )

    def _roll_out(self, action: Action, name: str, release: Release | None, *, dry_run: bool) -> None:
        states = self._app_states()
        plan = plan_rollout(self.fleet.inventory, action, name, states, read_pools(self.fleet))
        if dry_run:
            for line in plan.lines():
                say(line)
            return
        rollout = Rollout(self.fleet, say)
        started = time.monotonic()
        if release is not None:
            rollout.install(release, states)
        rollout.carry_out(plan)
        seconds = f" in {time.monotonic() - started:.0f} s" if plan.hosts else ""
        say(f"{action}: {name}: {len(plan.hosts)} hosts switched{seconds}, {len(plan.unchanged)} had it already")

    def _app_states(self) -> dict[str, HostState]:
        return self.fleet.all_or_error(self.fleet.inventory.with_role("app"), lambda host: read_state(self.fleet, host))

    def _ca_file(self) -> Path | None:
        if self.outputs.ca_certificate is None:
            return None
        file = self.checkout.stack_cache / "ca.crt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.outputs.ca_certificate, encoding="ascii")
        return file


@contextmanager
def operations(project: Path, stack: str | None) -> Generator[Operations, None, None]:
    """The tasks on a stack.

    Args:
        project: The checkout.
        stack: The stack; the selected one if None.

    Raises:
        OperatorError: There is no such stack, or it is not up.
    """
    checkout = Checkout(project, stack or selected_stack(project))
    outputs = read_outputs(project, checkout.stack)
    fleet = Fleet.of(outputs.inventory, checkout.operator_key)
    try:
        yield Operations(checkout, outputs, fleet)
    finally:
        fleet.close()


def build_or_find(project: Path, name: str | None = None, *, version: str | None = None) -> Release:
    """The named release from dist/, or the one of this checkout, built.

    Raises:
        OperatorError: It isn't there, or can't be built.
    """
    checkout = Checkout(project, "")
    return find_release(checkout, name) if name else build_release(checkout, version)
