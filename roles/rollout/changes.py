"""What is done about one host: the steps of its change, and the way back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from infra.bridge.inventory import Host, RolloutPolicy
from roles.artefacts.files import HostFile, archive
from roles.artefacts.release import Release
from roles.hosts.lock import HostBefore
from roles.hosts.state import HostState, Observation
from roles.rollout.plan import Action, HostChange, Step
from roles.rollout.pools import Pool, drain, pool_of, undrain
from roles.scripts import activation, artefacts
from roles.scripts.layout import LOCATIONS
from roles.scripts.quoting import Script

READY_SECONDS = 30
KEPT_OUT = "does not answer: kept out of the pool"


@dataclass(frozen=True)
class Target:
    """What the hosts should have.

    Args:
        id: The rollout's id.
        action: What it is.
        release: The release that app hosts should run; None before there is one.
        artefact: The release, for hosts that lack it; None if it is only on hosts.
        files: The files that each host should have, by host.
        base_files: Of these, those that come first: they let a host take anything at all.
        policy: How careful the rollout is.
        before: What hosts had before, where a rollout is resumed.
        kept: Releases worth keeping, newest first.
    """

    id: str
    action: Action
    release: str | None
    artefact: Release | None
    files: Mapping[str, Sequence[HostFile]]
    base_files: Mapping[str, Sequence[HostFile]]
    policy: RolloutPolicy
    before: Mapping[str, HostBefore] = field(default_factory=dict[str, HostBefore])
    kept: Sequence[str] = ()


class HostChanges:
    """Changes of single hosts, for a target.

    Args:
        observed: What the hosts have.
        target: What they should have.
    """

    def __init__(self, observed: Observation, target: Target) -> None:
        self._observed = observed
        self._target = target
        self._inventory = observed.inventory

    def before(self, host: Host) -> HostBefore:
        """What a host had before the rollout, also where it is resumed."""
        known = self._target.before.get(host.name)
        if known is not None:
            return known
        state = self._observed.states.get(host.name, HostState())
        return HostBefore(
            in_pool=self._observed.servers.get(host.name) in {"up", "down"},
            release=state.release,
            snapshot=state.snapshot,
        )

    def can_be_changed(self, host: Host) -> bool:
        """Whether it answers and, for an app host, can be drained: not where nobody says whether it gets requests."""
        known, unknown = self._observed.states, self._observed.errors
        if "app" in host.roles and (host.location in unknown or not self.pool(host).can_drain(known)):
            return False
        return host.name in known

    def ground(self, host: Host, files: Sequence[HostFile]) -> HostChange:
        """Files that a host needs before it can take anything."""
        managed = self._observed.states[host.name].managed
        base = [file.path for file in self._target.base_files[host.name]]
        wanted = list(dict.fromkeys([*(PurePosixPath(path) for path in managed), *base]))
        step = self._activate(host, f"{self._target.id}/ground", files, (), wanted, None)
        return HostChange(host, _names(files), (step,))

    def app(self, host: Host, *, forced: bool = False) -> HostChange | None:
        """What an app host lacks, done while it is drained if it must be; None if it lacks nothing.

        Args:
            host: An app host.
            forced: Whether or not it lacks anything: for undoing what may have been done.
        """
        if not forced and not self.can_be_changed(host):
            return None
        state = self._observed.states.get(host.name, HostState())
        server = self._observed.servers.get(host.name)
        files, gone = self.differing(host, self._role_files(host))
        release = self._target.release
        runs = state.release == state.running_release == release and (state.ready or state.snapshot is None)
        switches = release is not None and (forced or not runs or server == "drained")
        if not (forced or files or gone or switches):
            return None
        files = self._role_files(host) if forced else files
        step = self._activate_app(host, files, gone, release if switches else None)
        what = f"{self.before(host).release or 'no release'} -> {release}" if switches else _names(files)
        drained = switches or bool(gone) or any(file.drained for file in files)
        return self._while_drained(host, step, what) if drained and server else HostChange(host, what, (step,))

    def _activate_app(
        self, host: Host, files: Sequence[HostFile], gone: Sequence[PurePosixPath], switch_to: str | None
    ) -> Step:
        has_data = self._has_data(host)

        def wait(release: str | None) -> Script | None:
            if release is None:
                return None
            return artefacts.wait_ready(release, with_snapshot=has_data, seconds=READY_SECONDS)

        wanted = [file.path for file in self._target.files[host.name]]
        ready, ready_again = wait(self._target.release), wait(self.before(host).release)
        return self._activate(host, f"{self._target.id}/role", files, gone, wanted, switch_to, ready, ready_again)

    def _while_drained(self, host: Host, step: Step, what: str) -> HostChange:
        """The step between the host's way out of the pool and its way back."""
        before, server = self.before(host), self._observed.servers[host.name]
        has_data = self._has_data(host)
        was_up = before.in_pool and has_data and before.release is not None
        steps = [*self._drains(host, before=before, was_up=was_up), step]
        # One that was away while results were published shows old ones: it comes back once it has the new ones.
        if not before.in_pool and not self._observed.is_current(host.name):
            return HostChange(host, f"drain, {what}; stays out: its results are old, fab publish first", tuple(steps))
        steps += self._undrains(host, has_data=has_data)
        return HostChange(
            host, f"drain, {what}", tuple(steps), serves=server == "up", returns=server != "up" and has_data
        )

    def balancer(self, host: Host, *, forced: bool = False) -> HostChange | None:
        """What a load balancer lacks, done while its location is out at the edge if another one serves."""
        locations = self._observed.locations
        state = locations.get(host.location)
        others = [name for name, other in locations.items() if other == "up" and name != host.location]
        # Out at the edge, and nobody took it out: a rollout did that was interrupted, or could not reach it.
        interrupted = (
            state == "drained"
            and host.location not in self._observed.log.drained_locations
            and all(self._observed.is_current(name) for name in self._observed.serving(host.location))
        )
        change = self._other(host, activation.is_active("haproxy"), forced=forced or interrupted)
        drained = any(file.drained for file in self._role_files(host)) and others and state == "up"
        if change is None or not (interrupted or drained):
            return change
        outs = [drain(edge, LOCATIONS, host.location, in_pool=True, was_up=True) for edge in self.edges()]
        ins = [undrain(edge, LOCATIONS, host.location, wait=True) for edge in self.edges()]
        return HostChange(host, f"drain the location, {change.summary}", (*outs, *change.steps, *ins))

    def edge(self, host: Host, *, forced: bool = False) -> HostChange | None:
        """What an edge lacks."""
        return self._other(host, activation.is_active("nginx", "haproxy"), forced=forced)

    def _other(self, host: Host, check: Script, *, forced: bool) -> HostChange | None:
        if not self.can_be_changed(host):
            return None
        files, gone = self.differing(host, self._role_files(host))
        if not (forced or files or gone):
            return None
        files = self._role_files(host) if forced else files
        wanted = [file.path for file in self._target.files[host.name]]
        step = self._activate(host, f"{self._target.id}/role", files, gone, wanted, None, check)
        return HostChange(host, _names(files), (step,))

    def pool(self, host: Host) -> Pool:
        """Who divides requests over an app host and the others of its location."""
        return pool_of(self._inventory, host.location)

    def edges(self) -> list[Host]:
        """The edges that answer."""
        return [edge for edge in self._inventory.with_role("edge") if edge.name in self._observed.states]

    def kept_out(self, host: Host) -> HostChange | None:
        """An app host that doesn't answer is taken out of the pool: it must not come back with what it had."""
        if "app" not in host.roles or self._observed.servers.get(host.name) not in {"up", "down"}:
            return None
        return HostChange(host, KEPT_OUT, tuple(self._drains(host, check=False)))

    def cut_off(self, host: Host) -> HostChange | None:
        """Where no load balancer answers nobody can take out its hosts: the location is taken out at the edge."""
        is_out = self._observed.locations.get(host.location) not in {"up", "down"}
        if "lb" not in host.roles or self.pool(host).can_drain(self._observed.states) or is_out:
            return None
        drains = (
            drain(edge, LOCATIONS, host.location, in_pool=False, was_up=False, check=False) for edge in self.edges()
        )
        return HostChange(host, f"{KEPT_OUT}, with its location", tuple(drains))

    def _drains(
        self, host: Host, *, before: HostBefore | None = None, was_up: bool = False, check: bool = True
    ) -> list[Step]:
        in_pool = before is not None and before.in_pool
        return self.pool(host).drains(host, self._observed.states, in_pool=in_pool, was_up=was_up, check=check)

    def _undrains(self, host: Host, *, has_data: bool) -> list[Step]:
        return self.pool(host).undrains(host, self._observed.states, wait=has_data)

    def _has_data(self, host: Host) -> bool:
        """Whether it has results to serve: without any it can't become ready."""
        return self._observed.states.get(host.name, HostState()).snapshot is not None

    def _files_of(self, host: Host) -> list[HostFile]:
        """Every file that may have been placed, the first time or when the rollout was resumed."""
        return [*self._target.base_files[host.name], *self._role_files(host)]

    def _role_files(self, host: Host) -> list[HostFile]:
        """The files of a host that are not of the base."""
        base = {file.path for file in self._target.base_files[host.name]}
        return [file for file in self._target.files[host.name] if file.path not in base]

    def differing(self, host: Host, wanted: Sequence[HostFile]) -> tuple[list[HostFile], list[PurePosixPath]]:
        """The files that a host lacks or has otherwise, or has not put in force; and those to be removed."""
        state = self._observed.states.get(host.name, HostState())
        differ = [
            file
            for file in wanted
            if state.files.get(str(file.path)) != file.fingerprint
            or str(file.path).lstrip("/").replace("/", ":") in state.pending
        ]
        keep = {str(file.path) for file in self._target.files[host.name]}
        return differ, [PurePosixPath(path) for path in state.managed if path not in keep]

    def _activate(
        self,
        host: Host,
        rollout: str,
        files: Sequence[HostFile],
        gone: Sequence[PurePosixPath],
        wanted: Sequence[PurePosixPath],
        release: str | None,
        check: Script | None = None,
        undo_check: Script | None = None,
    ) -> Step:
        return Step(
            "activate" if release else "configure",
            host,
            activation.activate(rollout, files, gone, wanted, release),
            check,
            activation.put_back(rollout, self._files_of(host)),
            undo_check,
            archive(files),
            f"tar of {_names(files)}",
        )


def _names(files: Sequence[HostFile]) -> str:
    return ", ".join(str(file.path) for file in files) or "no file"
