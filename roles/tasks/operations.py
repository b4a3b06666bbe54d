"""What the Fabric tasks do, one function each: fabfile.py only names them and their options."""

import base64
import io
import tarfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import RolloutPolicy
from infra.bridge.origin import Origin
from infra.bridge.signers import read_signers
from roles.artefacts.files import OWN_PARTS, Configuration, HostFile, Templates
from roles.artefacts.release import Release, build_release, find_release, unpack_templates
from roles.artefacts.snapshot import BuiltArchive, ensure_snapshot, find_snapshot
from roles.hosts.fleet import Checkout, Fleet
from roles.hosts.groups import with_members
from roles.hosts.lock import Intent
from roles.hosts.state import Observation, observe
from roles.rollout.build import ReleasePlanner
from roles.rollout.changes import Target
from roles.rollout.plan import Action
from roles.rollout.request import Request, new_id, this_operator
from roles.rollout.rollback import check_release_known, choose_rollback
from roles.rollout.session import Session
from roles.rollout.snapshot_plan import SnapshotPlanner
from roles.scripts.artefacts import read_templates
from roles.stack.engine import Outputs, read_origin, read_outputs, selected_stack
from roles.tasks.status import HEALTHY, public_answer, read_status
from roles.tasks.verify import verify as verify_hosts
from roles.terminal import build_progress, say, show_status

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

    @property
    def session(self) -> Session:
        """Who rolls out, with the lock that this checkout holds."""
        token = self.held_token
        return Session(self.fleet, this_operator(), token.read_text(encoding="ascii") if token.exists() else None)

    @property
    def signers(self) -> str:
        """Who may sign releases and snapshots."""
        return read_signers(self.checkout.release_key.with_suffix(".pub"))

    @cached_property
    def origin(self) -> Origin:
        """What the load balancers that a CDN asks must know; a stack without any has none."""
        return read_origin(self.checkout.project, self.checkout.stack)

    @property
    def held_token(self) -> Path:
        """Where the token of a lock is kept that was taken by hand."""
        return self.checkout.stack_cache / "lock.token"

    def deploy(self, release: Release, request: Request) -> str:
        """Roll a release out, with its configuration; returns its name."""
        self._roll_out("deploy", release.name, release.templates(self.signers), release, request)
        return release.name

    def rollback(self, name: str | None, request: Request) -> str:
        """Return to the previous good release, or to the named one; returns its name."""
        observed = observe(self.fleet)
        if not request.shown:
            self.session.check(observed, "rollback", request)
        name = name or choose_rollback(observed)
        check_release_known(observed, name)
        self._roll_out("rollback", name, self._templates_of(name, observed), self._built(name), request)
        return name

    def configure(self, request: Request) -> str | None:
        """Bring every host's files to what this checkout's base and the current release say; returns its name."""
        observed = observe(self.fleet)
        current = observed.log.release
        templates = self._templates_of(current, observed) if current else None
        if templates and templates.texts != Templates.of_checkout().texts:
            say(f"configure: templates/ here are not those of {current}, which stay in force: fab deploy brings them")
        self._roll_out("configure", current, templates, None, request)
        return current

    def publish(self, source: Path, request: Request, *, allow_errors: bool = False) -> None:
        """Bring the results of a source to every app host."""
        with build_progress() as progress:
            archive = ensure_snapshot(self.checkout, source, progress, allow_errors=allow_errors)
        self._publish(archive, observe(self.fleet), request)
        if archive.skipped:
            say(f"publish: {archive.skipped} rows were left out")

    def catch_up(self, request: Request) -> None:
        """Bring app hosts that lack them the release and the results that the log says."""
        observed = observe(self.fleet)
        log = observed.log
        apps = [
            observed.states[each.name] for each in self.fleet.inventory.with_role("app") if each.name in observed.states
        ]
        if log.snapshot and any(state.snapshot != log.snapshot for state in apps):
            self._publish(find_snapshot(self.checkout, log.snapshot), observed, request)
        if log.release and any(state.release != log.release for state in apps):
            self.deploy(find_release(self.checkout, log.release), request)

    def resume(self, reason: str | None) -> None:
        """End an interrupted rollout."""
        lock, intent = self.session.take_over(observe(self.fleet), reason)
        observed, planner = self._planner_of(intent)
        self.session.resume(observed, planner, lock, intent, reason or "")

    def abort(self, reason: str | None) -> None:
        """Undo an interrupted rollout."""
        lock, intent = self.session.take_over(observe(self.fleet), reason)
        observed, planner = self._planner_of(intent)
        self.session.abort(observed, planner, lock, intent, reason or "")

    def configuration(self, templates: Templates | None) -> Configuration:
        """What decides which files a host should have."""
        own = Templates.of_checkout(OWN_PARTS)
        return Configuration(self.fleet.inventory, own, templates, self.signers, lambda: self.origin)

    def observe_with(self, templates: Templates | None) -> tuple[Observation, dict[str, list[HostFile]]]:
        """What the hosts have, with the files that they should have."""
        configuration = self.configuration(templates)
        files = {host.name: configuration.files_of(host) for host in self.fleet.inventory.hosts}
        return observe(self.fleet, lambda host: [file.path for file in files[host.name]]), files

    def templates_in_force(self, observed: Observation) -> Templates | None:
        """The templates of the release that the log says is current."""
        release = observed.log.release
        return self._templates_of(release, observed) if release else None

    def verify(self) -> None:
        """Run the testinfra suite."""
        verify_hosts(self.checkout, self.fleet.inventory)

    def out_of_pool(self) -> list[str]:
        """The app hosts that get no requests because a rollout left them out."""
        observed = observe(self.fleet)
        return [name for name, state in observed.servers.items() if state == "drained" and name in observed.states]

    def status(self) -> None:
        """Show the table.

        Raises:
            OperatorError: Something is not healthy.
        """
        ca_file = self._ca_file()
        observed = observe(self.fleet)
        answer = public_answer(observed.inventory.edge, ca_file)
        statuses = read_status(observed, answer)
        show_status(statuses)
        for error in self.fleet.missing.values():
            say(f"missing: {error.message}")
        say(f"url: {self.outputs.url}{'' if answer == HEALTHY else f': {answer}'}")
        if ca_file:
            say(f"ca: {ca_file}")
        if observed.log.freeze:
            say(f"frozen by {observed.log.freeze.operator.who}: {observed.log.freeze.reason}")
        if observed.lock:
            say(f"locked by {observed.lock.sentence()}")
        unhealthy = [status.host.name for status in statuses if status.health != HEALTHY] + list(self.fleet.missing)
        if answer != HEALTHY and not observed.inventory.with_role("edge"):
            unhealthy.append("the site itself")
        if unhealthy:
            raise OperatorError(
                f"{len(unhealthy)} of {len(statuses)} hosts are not healthy: {', '.join(unhealthy)}",
                next_command=f"pulumi up -s {self.checkout.stack}, then fab publish and fab deploy",
            )

    def _publish(self, archive: BuiltArchive, observed: Observation, request: Request) -> None:
        target = self._target("publish", observed, request.policy)
        self.session.roll_out(observed, SnapshotPlanner(observed, target, archive), "publish", request)

    def _roll_out(
        self,
        action: Action,
        name: str | None,
        templates: Templates | None,
        artefact: Release | None,
        request: Request,
    ) -> None:
        observed, files = self.observe_with(templates)
        target = self._target(action, observed, request.policy, files, name, artefact)
        self.session.roll_out(observed, ReleasePlanner(observed, target), action, request)

    def _planner_of(self, intent: Intent) -> tuple[Observation, ReleasePlanner]:
        """The planner of a rollout that was interrupted."""
        observed = observe(self.fleet)
        if intent.action == "publish":
            target = self._target(intent.action, observed, intent.policy, intent=intent)
            return observed, SnapshotPlanner(observed, target, find_snapshot(self.checkout, intent.target))
        built = self._built(intent.target)
        kept = any(intent.target in state.releases for state in observed.states.values())
        release = intent.target if built or kept else None
        observed, files = self.observe_with(self._templates_of(release, observed) if release else None)
        target = self._target(intent.action, observed, intent.policy, files, release, built, intent)
        return observed, ReleasePlanner(observed, target)

    def _target(
        self,
        action: Action,
        observed: Observation,
        policy: RolloutPolicy,
        files: Mapping[str, Sequence[HostFile]] | None = None,
        release: str | None = None,
        artefact: Release | None = None,
        intent: Intent | None = None,
    ) -> Target:
        # Results come with no file, and so wait for no service that decrypts the stack's secrets.
        base = {} if action == "publish" else self.configuration(None).base_files()
        return Target(
            id=intent.id if intent else new_id(self.session.now()),
            action=action,
            release=release,
            artefact=artefact,
            files=files if files is not None else base,
            base_files=base,
            policy=policy,
            before=intent.hosts if intent else {},
            kept=tuple(reversed(observed.log.releases)),
        )

    def _built(self, name: str) -> Release | None:
        try:
            return find_release(self.checkout, name)
        except OperatorError:
            return None

    def _templates_of(self, name: str, observed: Observation) -> Templates:
        """A release's templates: from dist/, or from a host that keeps it."""
        built = self._built(name)
        if built is not None:
            return built.templates(self.signers)
        keeper = next((host for host in observed.answering if name in observed.states[host.name].releases), None)
        if keeper is None:
            raise OperatorError(f"release {name} is neither in dist/ nor on a host", next_command="fab releases")
        printed = self.fleet[keeper].run("reading its release's templates", read_templates(name))
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(printed))) as packed:
            return unpack_templates(packed)

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
    inventory, missing = with_members(outputs.inventory, checkout.stack_cache)
    fleet = Fleet.of(inventory, checkout.operator_key, missing)
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
