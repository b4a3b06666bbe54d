"""Receiving what is signed, and switching to it."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from infra.bridge.signers import SIGNER
from roles.scripts.layout import (
    ALLOWED_SIGNERS,
    COMPLETE,
    CURRENT_RELEASE,
    CURRENT_SNAPSHOT,
    INCOMING,
    RELEASES,
    SERVICE,
    SNAPSHOTS,
)
from roles.scripts.quoting import Script, command, refuse_unless, script, wait_until

LONG_TIMEOUT_SECONDS = 900
"""For writing or removing the nation's million files on a slow disk."""

CONFIG = "config"
"""Where a release carries its templates."""

UNPACKED_PER_PACKED = 90
"""Small files take a block each: the sample's 16 MB become 1.1 GB on a disk."""


@dataclass(frozen=True)
class Artefact:
    """What a host needs to know of a file to take it.

    Args:
        name: The release's or snapshot's name: its directory on the host.
        size_bytes: Of the archive.
        sha256: Of the archive.
        signature: The text of its ssh signature.
        namespace: What the signature is for: a snapshot's never passes for a release's.
    """

    name: str
    size_bytes: int
    sha256: str
    signature: str
    namespace: str


def receive_release(artefact: Artefact) -> Script:
    """Take a release from standard input, check it, and unpack it beside the others."""
    compile_all = 'python3 -m compileall -q "$half_made"/lib'
    return _receive(artefact, RELEASES / artefact.name, unpacked_bytes=artefact.size_bytes * 10, finish=[compile_all])


def receive_snapshot(artefact: Artefact) -> Script:
    """Take a snapshot from standard input, check it, and unpack it beside the others."""
    unpacked = artefact.size_bytes * UNPACKED_PER_PACKED
    return _receive(artefact, SNAPSHOTS / artefact.name, unpacked_bytes=unpacked, finish=[])


def _receive(artefact: Artefact, target: PurePosixPath, *, unpacked_bytes: int, finish: list[str]) -> Script:
    packed = INCOMING / f"{artefact.name}.tar.gz"
    signature = INCOMING / f"{artefact.name}.sig"
    half_made = target.with_name(f"{target.name}.half-made")
    verify = command("ssh-keygen", "-Y", "verify", "-f", ALLOWED_SIGNERS, "-I", SIGNER, "-n", artefact.namespace)
    verify += f" -s {command(signature)} < {command(packed)} > /dev/null 2>&1"
    free = f'[ "$(df --output=avail -B1 {command(target.parent)} | tail -1)" -gt {unpacked_bytes} ]'
    return script(
        f"if [ -e {command(target / COMPLETE)} ]; then cat > /dev/null; exit 0; fi",
        f"half_made={command(half_made)}",
        f"trap 'rm -rf \"$half_made\" {command(packed, signature)}' EXIT",
        command("mkdir", "-p", INCOMING, target.parent),
        refuse_unless(free, f"the disk is full: {artefact.name} needs {unpacked_bytes // 2**20} MiB"),
        f"cat > {command(packed)}",
        f"{command('printf', '%s', artefact.signature)} > {command(signature)}",
        refuse_unless(
            f"{command('echo', f'{artefact.sha256}  {packed}')} | sha256sum --check --status",
            f"{artefact.name} arrived with another sha256",
        ),
        refuse_unless(verify, f"{artefact.name} has no valid signature of {SIGNER} for {artefact.namespace}"),
        'rm -rf "$half_made"',
        'mkdir "$half_made"',
        f'tar -xzf {command(packed)} -C "$half_made" --no-same-owner --no-same-permissions',
        *finish,
        f'touch "$half_made"/{COMPLETE}',
        f'mv -T "$half_made" {command(target)}',
        timeout_seconds=LONG_TIMEOUT_SECONDS,
    )


def point(link: PurePosixPath, target: PurePosixPath) -> list[str]:
    """Lines that point a link at a complete directory: by a rename, so that no reader ever misses it."""
    new = link.with_name(f"{link.name}.new")
    return [
        refuse_unless(f"[ -e {command(target / COMPLETE)} ]", f"{target} is not complete"),
        command("ln", "-sfn", target, new),
        command("mv", "-T", new, link),
    ]


def activate_snapshot(snapshot: str) -> Script:
    """Point `current` at a snapshot: the service and nginx see it with their next request."""
    return script(*point(CURRENT_SNAPSHOT, SNAPSHOTS / snapshot))


def wait_ready(release: str, *, with_snapshot: bool, seconds: int) -> Script:
    """Wait until the service answers with the release, and, if there is data to serve, is ready."""
    running = f'"release":"{release}"'
    answers = f"curl -sf -m 2 http://127.0.0.1/version | {command('grep', '-qF', running)}"
    ready = "curl -sf -m 2 -o /dev/null http://127.0.0.1/healthz"
    condition = f"{answers} && {ready}" if with_snapshot else answers
    # The service's own words: those of systemd about it are in the same unit's journal, and always the last.
    log = command("journalctl", f"_SYSTEMD_UNIT={SERVICE}", "-n", 5, "-o", "cat", "-q")
    late = command("echo", f"the service is not ready with {release}")
    failed = command("systemctl", "is-failed", "--quiet", SERVICE)
    return script(*wait_until(condition, seconds, log, late, hopeless=failed), timeout_seconds=seconds + 10)


def still_runs(release: str) -> Script:
    """Refuse if the service with the release died since it was switched to, or is not ready any more."""
    running = f'"release":"{release}"'
    return script(
        # Its configuration alone may have been changed.
        f'[ "$(readlink {command(CURRENT_RELEASE)})" = {command(RELEASES / release)} ] || exit 0',
        refuse_unless(
            f'[ "$({command("systemctl", "show", "--property", "NRestarts", "--value", SERVICE)})" = 0 ]',
            f"its service with {release} died, and was started again",
        ),
        f"path=/version; [ ! -e {command(CURRENT_SNAPSHOT)} ] || path=/healthz",
        refuse_unless(
            f'curl -sf -m 2 "http://127.0.0.1$path" | {command("grep", "-qF", running)}',
            f"its service with {release} is not ready any more",
        ),
        timeout_seconds=15,
    )


def keep_snapshots(names: tuple[str, ...]) -> Script:
    """Remove the snapshots beside those to keep, half-made ones of dead predecessors included."""
    kept = " ".join(f"! -name {command(name)}" for name in names)
    remove = f"find {command(SNAPSHOTS)} -mindepth 1 -maxdepth 1 -type d {kept} -exec rm -rf {{}} +"
    return script(remove, timeout_seconds=LONG_TIMEOUT_SECONDS)


def deactivate_snapshot() -> Script:
    """Undo a host's first snapshot."""
    return script(command("rm", "-f", CURRENT_SNAPSHOT))


def read_templates(release: str) -> Script:
    """Print, packed and in base64, the templates that a release carries."""
    return script(f"tar -cz -C {command(RELEASES / release)} {CONFIG} | base64 -w 0")
