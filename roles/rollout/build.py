"""Building plans: from what the hosts have and what they should have, in an order that keeps the site serving."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from infra.errors import OperatorError
from infra.inventory import Host, RolloutPolicy
from roles.files import HostFile, archive
from roles.pool import DRAIN_SECONDS, UP_SECONDS
from roles.release import Release
from roles.rollout.lock import HostBefore
from roles.rollout.plan import Action, Gate, HostChange, Phase, Plan, Step
from roles.scripts import activation, artefacts, pool
from roles.scripts.layout import APP_HOSTS, LOCATIONS
from roles.scripts.lock import forget_rollouts
from roles.scripts.quoting import Script
from roles.state import HostState, Observation

READY_SECONDS = 30


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


class ReleasePlanner:
    """Plans the rollout of a release with its configuration.

    Args:
        observed: What the hosts have.
        target: What they should have.
    """

    def __init__(self, observed: Observation, target: Target) -> None:
        self._observed = observed
        self._target = target
        self._inventory = observed.inventory

    def plan(self) -> Plan:
        """The plan.

        Raises:
            OperatorError: It can't be carried out without going under the capacity floor.
        """
        left_out = [host for host in self._inventory.hosts if not self._reachable(host)]
        phases = [*self._ground(), *self._receive(), *self._rollout()]
        if phases:
            phases = [*self._kept_out(left_out), *phases]
        target = self._target
        name = target.release or "the files of this checkout"
        spare = {location.name: self._spare(location.name) for location in self._inventory.locations}
        return Plan(target.id, target.action, name, tuple(phases), tuple(left_out), spare)

    def tidy(self, *, undone: bool = False) -> tuple[Step, ...]:
        """What is removed once the rollout has succeeded; of one that was undone, only what it kept for that."""
        if undone:
            return tuple(Step("tidy up", host, forget_rollouts(None)) for host in self._observed.answering)
        target = self._target
        keep = tuple(dict.fromkeys(filter(None, [target.release, *target.kept])))[: target.policy.keep_releases]
        return tuple(
            Step("tidy up", host, forget_rollouts(keep if "app" in host.roles and target.release else None))
            for host in self._observed.answering
        )

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

    def everything(self) -> list[HostChange]:
        """Every change that there can be, whether or not a host needs it: what an abort goes back through."""
        changes = [
            *(self._app_change(host, forced=True) for host in self._inventory.with_role("app")),
            *(self._lb_change(host, forced=True) for host in self._inventory.with_role("lb")),
            *(self._edge_change(host, forced=True) for host in self._inventory.with_role("edge")),
        ]
        ground = [self._ground_change(host, self._target.base_files[host.name]) for host in self._observed.answering]
        return [*ground, *(change for change in changes if change is not None)]

    def _reachable(self, host: Host) -> bool:
        """Whether it answers and, for an app host, can be drained."""
        balancers = self._inventory.with_role("lb", host.location)
        return host.name in self._observed.states and (
            "app" not in host.roles or any(balancer.name in self._observed.states for balancer in balancers)
        )

    def _kept_out(self, left_out: Sequence[Host]) -> list[Phase]:
        """Hosts that don't answer must not come back with what they had."""
        changes = [
            HostChange(host, "does not answer: kept out of the pool", tuple(self._drains(host, check=False)))
            for host in left_out
            if "app" in host.roles and self._observed.servers.get(host.name) in {"up", "down"}
        ]
        changes = [change for change in changes if change.steps]
        for location in dict.fromkeys(change.host.location for change in changes):
            if self._spare(location) < 0:
                raise OperatorError(
                    f"{location} would have too few hosts left without those that don't answer; nothing was changed",
                    next_command="fab status, then pulumi up",
                )
        return [Phase("keep out what does not answer", (tuple(changes),))] if changes else []

    def _ground(self) -> list[Phase]:
        changes: list[HostChange] = []
        for host in self._observed.answering:
            files, _ = self._differing(host, self._target.base_files[host.name])
            if files:
                changes.append(self._ground_change(host, files))
        return [Phase("ground: what every host needs", (tuple(changes),))] if changes else []

    def _ground_change(self, host: Host, files: Sequence[HostFile]) -> HostChange:
        managed = self._observed.states[host.name].managed
        base = [file.path for file in self._target.base_files[host.name]]
        wanted = list(dict.fromkeys([*(PurePosixPath(path) for path in managed), *base]))
        step = self._activate(host, f"{self._target.id}/ground", files, (), wanted, None)
        return HostChange(host, _names(files), (step,))

    def _receive(self) -> list[Phase]:
        release, artefact = self._target.release, self._target.artefact
        hosts = [host for host in self._inventory.with_role("app") if self._reachable(host)]
        lacking = [host for host in hosts if release and release not in self._observed.states[host.name].releases]
        if not lacking:
            return []
        if artefact is None:
            raise OperatorError(
                f"{lacking[0].name} lacks release {release}, and it is not in dist/ either; nothing was changed",
                next_command="fab releases",
            )
        script, size = artefacts.receive_release(artefact.artefact()), artefact.path.stat().st_size
        changes = tuple(
            HostChange(
                host,
                f"receive {release}, {size / 10**6:.1f} MB",
                (Step("receive", host, script, stdin=artefact.path, stdin_is=artefact.path.name),),
            )
            for host in lacking
        )
        return [Phase("receive", (changes,))]

    def _rollout(self) -> list[Phase]:
        policy, observed = self._target.policy, self._observed
        apps = {
            location.name: [c for h in self._inventory.with_role("app", location.name) if (c := self._app_change(h))]
            for location in self._inventory.locations
        }
        balancers = {
            location.name: [c for h in self._inventory.with_role("lb", location.name) if (c := self._lb_change(h))]
            for location in self._inventory.locations
        }
        edges = [change for host in self._inventory.with_role("edge") if (change := self._edge_change(host))]
        serving = [name for location in apps for name in observed.serving(location)]
        all_apps = [change for changes in apps.values() for change in changes]
        at_once = policy.max_parallel >= len(self._inventory.with_role("app")) and policy.capacity_floor_percent == 0
        if not serving or at_once:
            all_balancers = [change for changes in balancers.values() for change in changes]
            parts = (("all app hosts at once", all_apps), ("load balancers", all_balancers), ("edge", edges))
            return [Phase(name, (tuple(changes),)) for name, changes in parts if changes]
        # One that is out of the pool already makes the best canary: it costs no capacity.
        canary = next((c for c in all_apps if not c.serves), None) or next((c for c in all_apps if c.serves), None)
        phases = [self._canary_phase(canary)] if canary else []
        first = True
        # The canary's location comes first: what is learnt there is learnt before another one is touched.
        for location in sorted(apps, key=lambda name: canary is None or name != canary.host.location):
            batches = [*self._batches(location, apps[location], canary), *((c,) for c in balancers[location])]
            if batches:
                name = f"canary location {location}" if first else f"location {location}"
                phases.append(Phase(name, tuple(batches), self._location_gate(location) if first else None))
                first = False
        return [*phases, *([Phase("edge", tuple((change,) for change in edges))] if edges else [])]

    def _canary_phase(self, canary: HostChange) -> Phase:
        location = canary.host.location
        if canary.serves:
            self._width(location, restored=0)
        others = tuple(name for name in self._observed.serving(location) if name != canary.host.name)
        gate = Gate(self._balancers(canary.host)[0], APP_HOSTS, (canary.host.name,), others)
        has_data = self._observed.states[canary.host.name].snapshot is not None
        return Phase("canary host", ((canary,),), gate if has_data else None)

    def _location_gate(self, location: str) -> Gate | None:
        edges = [edge for edge in self._inventory.with_role("edge") if edge.name in self._observed.states]
        if not edges or self._observed.locations.get(location) != "up":
            return None
        others = tuple(name for name, state in self._observed.locations.items() if state == "up" and name != location)
        return Gate(edges[0], LOCATIONS, (location,), others)

    def _batches(
        self, location: str, changes: Sequence[HostChange], canary: HostChange | None
    ) -> list[tuple[HostChange, ...]]:
        """Those that don't serve all at once, then the others, never so many that too few go on serving."""
        restored = sum(1 for change in changes if change.returns)
        rest = [change for change in changes if change is not canary]
        idle = tuple(change for change in rest if not change.serves)
        busy = [change for change in rest if change.serves]
        width = self._width(location, restored) if busy else 1
        batches = [tuple(busy[start : start + width]) for start in range(0, len(busy), width)]
        return [*([idle] if idle else []), *batches]

    def _spare(self, location: str) -> int:
        """How many of the hosts that serve may be away at the same time."""
        observed, policy = self._observed, self._target.policy
        elsewhere = [other.name for other in self._inventory.locations if other.name != location]
        reached = [name for other in elsewhere if observed.is_reached(other) for name in observed.serving(other)]
        floor = len(self._inventory.with_role("app", location)) * policy.capacity_floor_percent // 100
        return len(observed.serving(location)) - (floor if reached else max(floor, 1))

    def _width(self, location: str, restored: int) -> int:
        """How many are changed side by side, when so many that were out of the pool are back in it."""
        width = min(self._target.policy.max_parallel, self._spare(location) + restored)
        if width < 1:
            serving = len(self._observed.serving(location))
            raise OperatorError(
                f"{location} has {serving} hosts serving, and its capacity floor is {serving - self._spare(location)}: "
                "none can be taken out; nothing was changed",
                next_command="fab status; repair its hosts first, or give --capacity-floor-percent",
            )
        return width

    def _app_change(self, host: Host, *, forced: bool = False) -> HostChange | None:
        if not forced and not self._reachable(host):
            return None
        state = self._observed.states.get(host.name, HostState())
        server = self._observed.servers.get(host.name)
        files, gone = self._differing(host, self._role_files(host))
        release = self._target.release
        runs = state.release == state.running_release == release and (state.ready or state.snapshot is None)
        switches = release is not None and (forced or not runs or server == "drained")
        if not (forced or files or gone or switches):
            return None
        files = self._role_files(host) if forced else files
        wanted = [file.path for file in self._target.files[host.name]]
        has_data = state.snapshot is not None
        before = self.before(host)
        ready = (
            None if release is None else artefacts.wait_ready(release, with_snapshot=has_data, seconds=READY_SECONDS)
        )
        ready_again = before.release and artefacts.wait_ready(
            before.release, with_snapshot=has_data, seconds=READY_SECONDS
        )
        step = self._activate(
            host,
            f"{self._target.id}/role",
            files,
            gone,
            wanted,
            release if switches else None,
            ready,
            ready_again or None,
        )
        drained = switches or bool(gone) or any(file.drained for file in files)
        steps = [step]
        if drained and server is not None:
            was_up = before.in_pool and has_data and before.release is not None
            steps = [*self._drains(host, before=before, was_up=was_up), step, *self._undrains(host, has_data=has_data)]
        what = f"{before.release or 'no release'} -> {release}" if switches else _names(files)
        drains = len(steps) > 1
        serves, returns = drains and server == "up", drains and server != "up" and has_data
        return HostChange(host, f"{'drain, ' if drains else ''}{what}", tuple(steps), serves, returns)

    def _lb_change(self, host: Host, *, forced: bool = False) -> HostChange | None:
        locations = self._observed.locations
        state = locations.get(host.location)
        others = [name for name, other in locations.items() if other == "up" and name != host.location]
        # Out at the edge, and nobody took it out: a rollout that was interrupted did.
        interrupted = state == "drained" and host.location not in self._observed.log.drained_locations
        change = self._other_change(host, activation.is_active("haproxy"), forced=forced or interrupted)
        drained = any(file.drained for file in self._role_files(host)) and others and state == "up"
        if change is None or not (interrupted or drained):
            return change
        edges = [edge for edge in self._inventory.with_role("edge") if edge.name in self._observed.states]
        outs = [_drain(edge, LOCATIONS, host.location, in_pool=True, was_up=True) for edge in edges]
        ins = [_undrain(edge, LOCATIONS, host.location, wait=True) for edge in edges]
        return HostChange(host, f"drain the location, {change.summary}", (*outs, *change.steps, *ins))

    def _edge_change(self, host: Host, *, forced: bool = False) -> HostChange | None:
        return self._other_change(host, activation.is_active("nginx", "haproxy"), forced=forced)

    def _other_change(self, host: Host, check: Script, *, forced: bool) -> HostChange | None:
        if not self._reachable(host):
            return None
        files, gone = self._differing(host, self._role_files(host))
        if not (forced or files or gone):
            return None
        files = self._role_files(host) if forced else files
        wanted = [file.path for file in self._target.files[host.name]]
        step = self._activate(host, f"{self._target.id}/role", files, gone, wanted, None, check)
        return HostChange(host, _names(files), (step,))

    def _files_of(self, host: Host) -> list[HostFile]:
        """Every file that may have been placed, the first time or when the rollout was resumed."""
        return [*self._target.base_files[host.name], *self._role_files(host)]

    def _role_files(self, host: Host) -> list[HostFile]:
        """The files of a host that are not of the base."""
        base = {file.path for file in self._target.base_files[host.name]}
        return [file for file in self._target.files[host.name] if file.path not in base]

    def _differing(self, host: Host, wanted: Sequence[HostFile]) -> tuple[list[HostFile], list[PurePosixPath]]:
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

    def _balancers(self, host: Host) -> list[Host]:
        known = self._observed.states
        return [balancer for balancer in self._inventory.with_role("lb", host.location) if balancer.name in known]

    def _drains(
        self, host: Host, *, before: HostBefore | None = None, was_up: bool = False, check: bool = True
    ) -> list[Step]:
        in_pool = before is not None and before.in_pool
        return [
            _drain(balancer, APP_HOSTS, host.name, in_pool=in_pool, was_up=was_up, check=check)
            for balancer in self._balancers(host)
        ]

    def _undrains(self, host: Host, *, has_data: bool) -> list[Step]:
        return [_undrain(balancer, APP_HOSTS, host.name, wait=has_data) for balancer in self._balancers(host)]


def _drain(on: Host, backend: str, server: str, *, in_pool: bool, was_up: bool, check: bool = True) -> Step:
    back = pool.undrain(backend, server) if in_pool else None
    back_check = pool.wait_until_up(backend, server, UP_SECONDS) if in_pool and was_up else None
    idle = pool.wait_until_idle(backend, server, DRAIN_SECONDS) if check else None
    return Step(f"drain {server}", on, pool.drain(backend, server), idle, back, back_check)


def _undrain(on: Host, backend: str, server: str, *, wait: bool) -> Step:
    up = pool.wait_until_up(backend, server, UP_SECONDS) if wait else None
    idle = pool.wait_until_idle(backend, server, DRAIN_SECONDS)
    return Step(f"undrain {server}", on, pool.undrain(backend, server), up, pool.drain(backend, server), idle)


def _names(files: Sequence[HostFile]) -> str:
    return ", ".join(str(file.path) for file in files) or "no file"
