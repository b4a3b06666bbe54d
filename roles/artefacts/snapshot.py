"""Building and signing snapshots; how they reach the hosts is in roles/rollout/snapshot_plan.py."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from app.loader.build import PREFIX, SUFFIX, BuildProgress, build_snapshot
from app.loader.problems import SourceError
from infra.bridge.errors import OperatorError
from infra.bridge.files import write_whole
from roles.artefacts.signing import read_artefact, sign
from roles.scripts.artefacts import Artefact
from roles.stack.checkout import Checkout

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
        stations_entered: How many polling stations have figures in it; 0 where only the archive's name is known.
    """

    name: str
    path: Path
    skipped: int = 0
    stations_entered: int = 0

    def artefact(self) -> Artefact:
        """What a host needs to know to take it.

        Raises:
            OperatorError: A part of it is missing.
        """
        return read_artefact(self.name, self.path, SNAPSHOT_NAMESPACE, next_command="fab publish")


def ensure_snapshot(
    checkout: Checkout, source: Path, progress: BuildProgress | None, *, allow_errors: bool = False
) -> BuiltArchive:
    """Build and sign the snapshot of a source, unless dist/ has it from the same source and loader.

    Raises:
        OperatorError: The source can't be published as it is; the message names file, row and field.
    """
    digest = _digest(checkout.project, source, allow_errors=allow_errors)
    note = checkout.dist / f"source-{digest}.json"
    known = _built_before(note)
    if known is not None and known.path.exists():
        return known
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
    archive = BuiltArchive(built.name, built.path, len(built.skipped), built.entered)
    kept = {"name": built.name, "file": built.path.name, "skipped": archive.skipped, "stations_entered": built.entered}
    write_whole(note, json.dumps(kept).encode())
    return archive


def _built_before(note: Path) -> BuiltArchive | None:
    """What was built of the same source; a note that was cut vouches for nothing."""
    try:
        known = json.loads(note.read_bytes())
        return BuiltArchive(known["name"], note.parent / known["file"], known["skipped"], known["stations_entered"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def find_snapshot(checkout: Checkout, name: str) -> BuiltArchive:
    """The built snapshot of a name; fine if its archive is gone, as long as every host has it."""
    return BuiltArchive(name, checkout.dist / f"{PREFIX}{name}{SUFFIX}")


def _digest(project: Path, source: Path, *, allow_errors: bool) -> str:
    digest = hashlib.sha256(f"{allow_errors}\0".encode())
    files = [file for part in LOADER for file in sorted((project / part).rglob("*.py")) or [project / part]]
    for file in [*files, *sorted(source.glob("*.gz"))]:
        digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]
