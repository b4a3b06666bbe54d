"""Publishing results: a snapshot is built, signed, sent to every app host, and only then switched to on all."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.loader.build import BuildProgress, build_snapshot
from app.loader.problems import SourceError
from infra.errors import OperatorError
from infra.inventory import Host
from roles.fleet import Checkout, Fleet
from roles.pool import Pool
from roles.scripts import artefacts as scripts
from roles.scripts.layout import SNAPSHOTS
from roles.signing import read_artefact, sign, write_whole
from roles.state import HostState, read_state

SNAPSHOT_NAMESPACE = "tegak-snapshot"
LOADER = ("app/loader", "app/layout.py", "app/forms.py")
"""What decides, with the source, how a snapshot comes out."""


@dataclass(frozen=True)
class BuiltArchive:
    """A snapshot's archive, built and signed.

    Args:
        name: The snapshot's name.
        path: The archive; its signature and sha256 are beside it.
        skipped: How many rows of the source were left out.
    """

    name: str
    path: Path
    skipped: int


def ensure_snapshot(
    checkout: Checkout, source: Path, progress: BuildProgress | None, *, allow_errors: bool = False
) -> BuiltArchive:
    """Build and sign the snapshot of a source, unless dist/ has it from the same source and loader.

    Raises:
        OperatorError: The source can't be published as it is; the message names file, row and field.
    """
    digest = _digest(checkout.project, source, allow_errors=allow_errors)
    note = checkout.dist / f"source-{digest}.json"
    if note.exists():
        known = json.loads(note.read_bytes())
        path = checkout.dist / known["file"]
        if path.exists():
            return BuiltArchive(known["name"], path, known["skipped"])
    try:
        built = build_snapshot(source, checkout.dist, progress=progress, allow_errors=allow_errors)
    except SourceError as error:
        hint = "" if allow_errors else f" and fab publish --source {source}, or with --allow-errors without these rows"
        raise OperatorError(
            f"nothing was published, {len(error.problems)} things in {source.name} don't fit:\n{error}",
            next_command=f"mend them{hint}",
        ) from error
    except OSError as error:
        raise OperatorError(
            f"the snapshot can't be written: {error.strerror}; nothing was published", next_command="df -h ."
        ) from error
    sign(built.path, checkout.release_key, SNAPSHOT_NAMESPACE)
    known = {"name": built.name, "file": built.path.name, "skipped": len(built.skipped)}
    write_whole(note, json.dumps(known).encode())
    return BuiltArchive(built.name, built.path, len(built.skipped))


def publish(fleet: Fleet, archive: BuiltArchive, report: Callable[[str], None]) -> list[str]:
    """Bring every app host to the snapshot.

    Args:
        fleet: The hosts.
        archive: From `ensure_snapshot`.
        report: Told of each step, before it is done.

    Returns:
        The names of the hosts that were switched.

    Raises:
        OperatorError: A host refused it or doesn't answer. Unless every host has the snapshot, none is switched; if one
            fails at the switch, the others are switched back.
    """
    hosts = fleet.inventory.with_role("app")
    states = fleet.all_or_error(hosts, lambda host: read_state(fleet, host))
    _send(fleet, archive, states, report)
    changing = [host for host in hosts if states[host.name].snapshot != archive.name]
    if changing:
        report(f"switching {len(changing)} hosts to {archive.name}")
        _switch(fleet, archive, changing, states)
        _wait_for_first_readers(fleet, [host for host in changing if _becomes_ready(states[host.name])])
    keep = {host.name: _kept(states[host.name], archive.name) for host in hosts}
    old = [host for host in hosts if set(states[host.name].snapshots) - set(keep[host.name])]
    if old:
        report(f"removing old snapshots from {len(old)} hosts")
    fleet.all_or_error(
        old, lambda host: fleet[host].run("removing old snapshots", scripts.prune(SNAPSHOTS, keep[host.name]))
    )
    return [host.name for host in changing]


def _send(fleet: Fleet, archive: BuiltArchive, states: Mapping[str, HostState], report: Callable[[str], None]) -> None:
    artefact = read_artefact(archive.name, archive.path, SNAPSHOT_NAMESPACE, next_command="fab publish")
    script = scripts.receive_snapshot(artefact)
    lacking = [host for host in fleet.inventory.with_role("app") if archive.name not in states[host.name].snapshots]

    def send(host: Host) -> None:
        with archive.path.open("rb") as file:
            fleet[host].run(f"receiving snapshot {archive.name}", script, file)
        report(f"{host.name}: has {archive.name}")

    if lacking:
        report(f"sending {archive.name} ({artefact.size_bytes // 10**6} MB) to {len(lacking)} hosts")
    try:
        fleet.all_or_error(lacking, send)
    except OperatorError as error:
        raise OperatorError(
            f"{error.message}; every host still shows the snapshot it had",
            next_command=error.next_command or "fab publish",
        ) from error


def _switch(fleet: Fleet, archive: BuiltArchive, hosts: list[Host], states: Mapping[str, HostState]) -> None:
    def switch(host: Host) -> None:
        fleet[host].run(f"switching to snapshot {archive.name}", scripts.activate_snapshot(archive.name))

    results = fleet.on_each(hosts, switch)
    failed = [result for result in results.values() if isinstance(result, OperatorError)]
    if not failed:
        return
    back = [host for host in hosts if not isinstance(results[host.name], OperatorError) and states[host.name].snapshot]
    fleet.on_each(
        back,
        lambda host: fleet[host].run("switching back", scripts.activate_snapshot(states[host.name].snapshot or "")),
    )
    raise OperatorError(
        f"{failed[0].message}; the other hosts were switched back to the snapshot they had",
        next_command=failed[0].next_command or "fab publish",
    )


def _becomes_ready(state: HostState) -> bool:
    return state.snapshot is None and state.running_release is not None


def _wait_for_first_readers(fleet: Fleet, hosts: list[Host]) -> None:
    """A host becomes ready with its first snapshot, and is in use once its load balancers have seen that."""
    for host in hosts:
        Pool.of(fleet, host.location).wait_until_up(host)


def _kept(state: HostState, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([name, *([state.snapshot] if state.snapshot else [])]))


def _digest(project: Path, source: Path, *, allow_errors: bool) -> str:
    digest = hashlib.sha256(f"{allow_errors}\0".encode())
    files = [file for part in LOADER for file in sorted((project / part).rglob("*.py")) or [project / part]]
    for file in [*files, *sorted(source.glob("*.gz"))]:
        digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]
