"""What is done about one host: the steps of its change, and the way back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from infra.bridge.inventory import Host
from roles.artefacts.files import Templates
from roles.artefacts.release import Release
from roles.hosts.state import NoRelease
from roles.rollout.plan import HostChange, Step
from roles.rollout.pools import drain, undrain
from roles.rollout.standing import Standing
from roles.scripts import activation, artefacts
from roles.scripts.host_files import HostFile, archive
from roles.scripts.layout import LOCATIONS
from roles.scripts.quoting import Script

READY_SECONDS = 30


@dataclass(frozen=True)
class Target:
    """What the hosts should have.

    Args:
        release: The release that app hosts should run, or why there is none.
        artefact: The release, for hosts that lack it; None if it is only on hosts.
        files: The files that each host should have, by host.
        base_files: Of these, those that come first: they let a host take anything at all.
        kept: Releases worth keeping, newest first.
        released: The templates that the release carries; None where there is none.
    """

    release: str | NoRelease
    artefact: Release | None
    files: Mapping[str, Sequence[HostFile]]
    base_files: Mapping[str, Sequence[HostFile]]
    kept: Sequence[str] = ()
    released: Templates | None = None

    @property
    def release_name(self) -> str | None:
        """The release's name, if there is one."""
        return self.release if isinstance(self.release, str) else None


class HostChanges:
    """Changes of single hosts, for a target.

    Args:
        standing: Where the hosts stand.
        target: What they should have.
    """

    def __init__(self, standing: Standing, target: Target) -> None:
        self._standing = standing
        self._observed = standing.observed
        self._rollout = standing.rollout
        self._target = target

    def ground(self, host: Host, files: Sequence[HostFile]) -> HostChange:
        """Files that a host needs before it can take anything."""
        managed = self._standing.state(host).managed
        base = [file.path for file in self._target.base_files[host.name]]
        wanted = list(dict.fromkeys([*(PurePosixPath(path) for path in managed), *base]))
        step = self._activate(host, f"{self._rollout.id}/ground", files, (), wanted, None)
        return HostChange(host, _names(files), (step,))

    def app(self, host: Host, *, forced: bool = False) -> HostChange | None:
        """What an app host lacks, done while it is drained if it must be; None if it lacks nothing.

        Args:
            host: An app host.
            forced: Whether or not it lacks anything: for undoing what may have been done.
        """
        if not forced and not self._standing.can_be_changed(host):
            return None
        state = self._standing.state(host)
        server = self._observed.servers.get(host.name)
        files, gone = self.differing(host, self._role_files(host))
        release = self._target.release_name
        runs = state.release == state.running_release == release and (state.ready or state.snapshot is None)
        switches = release is not None and (forced or not runs or server == "drained")
        if not (forced or files or gone or switches):
            return None
        files = self._role_files(host) if forced else files
        step = self._activate_app(host, files, gone, release if switches else None)
        what = f"{self._standing.before(host).release or 'no release'} -> {release}" if switches else _names(files)
        drained = switches or bool(gone) or any(file.drained for file in files)
        return self._while_drained(host, step, what) if drained and server else HostChange(host, what, (step,))

    def _activate_app(
        self, host: Host, files: Sequence[HostFile], gone: Sequence[PurePosixPath], switch_to: str | None
    ) -> Step:
        has_data = self._standing.has_data(host)

        def wait(release: str | None) -> Script | None:
            if release is None:
                return None
            return artefacts.wait_ready(release, with_snapshot=has_data, seconds=READY_SECONDS)

        wanted = [file.path for file in self._target.files[host.name]]
        ready, ready_again = wait(self._target.release_name), wait(self._standing.before(host).release)
        return self._activate(host, f"{self._rollout.id}/role", files, gone, wanted, switch_to, ready, ready_again)

    def _while_drained(self, host: Host, step: Step, what: str) -> HostChange:
        """The step between the host's way out of the pool and its way back."""
        before, server = self._standing.before(host), self._observed.servers[host.name]
        has_data = self._standing.has_data(host)
        was_up = before.in_pool and has_data and before.release is not None
        steps = [*self._standing.drains(host, before=before, was_up=was_up), step]
        # One that was away while results were published shows old ones: it comes back once it has the new ones.
        if not before.in_pool and not self._observed.is_current(host.name):
            return HostChange(host, f"drain, {what}; stays out: its results are old, fab publish first", tuple(steps))
        steps += self._standing.undrains(host)
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
        outs = [drain(edge, LOCATIONS, host.location, in_pool=True, was_up=True) for edge in self._standing.edges()]
        ins = [undrain(edge, LOCATIONS, host.location, wait=True) for edge in self._standing.edges()]
        return HostChange(host, f"drain the location, {change.summary}", (*outs, *change.steps, *ins))

    def edge(self, host: Host, *, forced: bool = False) -> HostChange | None:
        """What an edge lacks."""
        return self._other(host, activation.is_active("nginx", "haproxy"), forced=forced)

    def _other(self, host: Host, check: Script, *, forced: bool) -> HostChange | None:
        if not self._standing.can_be_changed(host):
            return None
        files, gone = self.differing(host, self._role_files(host))
        if not (forced or files or gone):
            return None
        files = self._role_files(host) if forced else files
        wanted = [file.path for file in self._target.files[host.name]]
        step = self._activate(host, f"{self._rollout.id}/role", files, gone, wanted, None, check)
        return HostChange(host, _names(files), (step,))

    def _files_of(self, host: Host) -> list[HostFile]:
        """Every file that may have been placed, the first time or when the rollout was resumed."""
        return [*self._target.base_files[host.name], *self._role_files(host)]

    def _role_files(self, host: Host) -> list[HostFile]:
        """The files of a host that are not of the base."""
        base = {file.path for file in self._target.base_files[host.name]}
        return [file for file in self._target.files[host.name] if file.path not in base]

    def differing(self, host: Host, wanted: Sequence[HostFile]) -> tuple[list[HostFile], list[PurePosixPath]]:
        """The files that a host lacks or has otherwise, or has not put in force; and those to be removed."""
        state = self._standing.state(host)
        differ = [
            file
            for file in wanted
            if state.files.get(str(file.path)) != file.fingerprint
            or str(file.path).lstrip("/").replace("/", ":") in state.pending
        ]
        if self._target.release is NoRelease.UNKNOWN:
            return differ, []  # whose files the others are, nobody can say: they stay
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
