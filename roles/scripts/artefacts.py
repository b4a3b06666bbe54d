"""Receiving releases, and switching to them; snapshots are in roles/scripts/snapshots.py."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from infra.bridge.signers import SIGNER
from roles.scripts.layout import (
    ALLOWED_SIGNERS,
    COMPLETE,
    CURRENT_RELEASE,
    CURRENT_SNAPSHOT,
    DISCARDED,
    INCOMING,
    RELEASES,
    SERVICE,
    SIGNED,
    SNAPSHOTS,
)
from roles.scripts.quoting import (
    Script,
    all_of,
    case_of,
    command,
    exists,
    output_of,
    pipe,
    prints,
    reading,
    refuse_unless,
    script,
    silent,
    unless,
    wait_until,
    writing,
)

LONG_TIMEOUT_SECONDS = 900
"""For what is large, over a slow line and on a slow disk."""

CONFIG = "config"
"""Where a release carries its templates."""

UNPACKED_PER_PACKED = 10


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
    target, unpacked_bytes = RELEASES / artefact.name, artefact.size_bytes * UNPACKED_PER_PACKED
    packed = INCOMING / f"{artefact.name}.tar.gz"
    signature = INCOMING / f"{artefact.name}.sig"
    half_made = target.with_name(f"{target.name}.half-made")
    signed = ("-f", ALLOWED_SIGNERS, "-I", SIGNER, "-n", artefact.namespace, "-s", signature)
    verify = silent(reading(command("ssh-keygen", "-Y", "verify", *signed), packed))
    available = output_of(pipe(command("df", "--output=avail", "-B1", target.parent), "tail -1"))
    same = pipe(command("echo", f"{artefact.sha256}  {packed}"), "sha256sum --check --status")
    return script(
        *case_of(exists(target / COMPLETE), writing("cat", "/dev/null"), "exit 0"),
        f"half_made={command(half_made)}",
        f"trap 'rm -rf \"$half_made\" {command(packed, signature)}' EXIT",
        command("mkdir", "-p", INCOMING, target.parent),
        refuse_unless(
            f"[ {available} -gt {unpacked_bytes} ]",
            f"the disk is full: {artefact.name} needs {unpacked_bytes // 2**20} MiB",
        ),
        writing("cat", packed),
        writing(command("printf", "%s", artefact.signature), signature),
        refuse_unless(same, f"{artefact.name} arrived with another sha256"),
        refuse_unless(verify, f"{artefact.name} has no valid signature of {SIGNER} for {artefact.namespace}"),
        'rm -rf "$half_made"',
        'mkdir "$half_made"',
        f'tar -xzf {command(packed)} -C "$half_made" --no-same-owner --no-same-permissions',
        # Kept: what was signed is what the unpacked files are compared with later.
        f'mkdir "$half_made"/{SIGNED}',
        f'mv {command(packed)} "$half_made"/{SIGNED}/archive.tar.gz',
        f'mv {command(signature)} "$half_made"/{SIGNED}/signature',
        'python3 -m compileall -q "$half_made"/lib',
        f'touch "$half_made"/{COMPLETE}',
        f'mv -T "$half_made" {command(target)}',
        timeout_seconds=LONG_TIMEOUT_SECONDS,
    )


def point(link: PurePosixPath, target: PurePosixPath) -> list[str]:
    """Lines that point a link at a complete directory: by a rename, so that no reader ever misses it."""
    return [refuse_unless(exists(target / COMPLETE), f"{target} is not complete"), *switch_link(link, target)]


def switch_link(link: PurePosixPath, text: PurePosixPath | str) -> list[str]:
    """Lines that give a link another text, by a rename; whether it leads anywhere is not looked at."""
    new = link.with_name(f"{link.name}.new")
    return [command("ln", "-sfn", text, new), command("mv", "-T", new, link)]


def wait_ready(release: str, *, with_snapshot: bool, seconds: int) -> Script:
    """Wait until the service answers with the release, and, if there is data to serve, is ready."""
    answers = _says_release(release, "http://127.0.0.1/version")
    ready = "curl -sf -m 2 -o /dev/null http://127.0.0.1/healthz"
    condition = all_of(answers, ready) if with_snapshot else answers
    # The service's own words: those of systemd about it are in the same unit's journal, and always the last.
    log = command("journalctl", f"_SYSTEMD_UNIT={SERVICE}", "-n", 5, "-o", "cat", "-q")
    late = command("echo", f"the service is not ready with {release}")
    failed = command("systemctl", "is-failed", "--quiet", SERVICE)
    return script(*wait_until(condition, seconds, log, late, hopeless=failed), timeout_seconds=seconds + 10)


def still_runs(release: str) -> Script:
    """Refuse if the service with the release died since it was switched to, or is not ready any more."""
    restarts = command("systemctl", "show", "--property", "NRestarts", "--value", SERVICE)
    return script(
        # Its configuration alone may have been changed.
        unless(prints(command("readlink", CURRENT_RELEASE), RELEASES / release), "exit 0"),
        refuse_unless(prints(restarts, 0), f"its service with {release} died, and was started again"),
        *case_of(exists(CURRENT_SNAPSHOT), "path=/healthz", otherwise=["path=/version"]),
        refuse_unless(
            _says_release(release, "http://127.0.0.1$path"), f"its service with {release} is not ready any more"
        ),
        timeout_seconds=15,
    )


def remove_all_but(names: Iterable[str], directory: PurePosixPath) -> str:
    """A line that removes the directories in a directory, beside those to keep."""
    kept = (word for name in names for word in ("!", "-name", name))
    directories = ("find", directory, "-mindepth", 1, "-maxdepth", 1, "-type", "d")
    return command(*directories, *kept, "-exec", "rm", "-rf", "{}", "+")


def set_aside() -> Script:
    """Stop the service, and put what the host has where nothing uses it; what was put there before is removed."""
    moves = [case_of(exists(each), command("mv", "-T", each, DISCARDED / each.name)) for each in (RELEASES, SNAPSHOTS)]
    return script(
        unless(silent(command("systemctl", "stop", SERVICE)), "true"),  # it may never have had one
        command("rm", "-f", CURRENT_RELEASE, CURRENT_SNAPSHOT),
        command("rm", "-rf", DISCARDED),
        command("install", "-d", "-m", "0700", DISCARDED),
        *(line for lines in moves for line in lines),
        command("install", "-d", "-m", "0755", RELEASES, SNAPSHOTS),
        timeout_seconds=LONG_TIMEOUT_SECONDS,
    )


def read_signed(release: str) -> Script:
    """Print in base64 the archive that a release came in and, a line later, its signature."""
    signed = RELEASES / release / SIGNED
    return script(*(f"{command('base64', '-w', 0, signed / name)}; echo" for name in ("archive.tar.gz", "signature")))


def _says_release(release: str, address: str) -> str:
    """A condition: the service answers with a release. The address may hold a variable of the shell's."""
    return pipe(f'curl -sf -m 2 "{address}"', command("grep", "-qF", f'"release":"{release}"'))
