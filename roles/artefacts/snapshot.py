"""Building and signing snapshots; how they reach the hosts is in roles/rollout/snapshot_plan.py."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from app.layout import SNAPSHOT_PREFIX, SNAPSHOT_SUFFIX
from app.loader import regions, stations
from app.loader.problems import SourceError
from app.loader.tables import digest_of_source, read_packed
from infra.bridge.errors import OperatorError
from infra.bridge.files import write_whole
from roles.artefacts.signing import read_artefact, sign
from roles.scripts.artefacts import Artefact
from roles.stack.checkout import Checkout

SNAPSHOT_NAMESPACE = "tegak-snapshot"
BuildProgress = Callable[[str, int, int], None]
"""Called with what is being done, how many parts of the work are done, and how many there are."""

LOADER = ("app/loader", "app/layout.py", "app/forms.py", "app/pack.py")
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
    known = _built_before(_note(checkout, source_digest(source), allow_errors=allow_errors))
    if known is not None and known.path.exists():
        return known
    built = _build(checkout, source, progress, allow_errors=allow_errors)
    archive = BuiltArchive(built["name"], checkout.dist / built["file"], built["skipped"], built["entered"])
    sign(archive.path, checkout.release_key, SNAPSHOT_NAMESPACE)
    kept = {
        "name": archive.name,
        "file": built["file"],
        "skipped": built["skipped"],
        "stations_entered": built["entered"],
    }
    # Of what the loader has read: the source may have become another one since it was looked for here.
    write_whole(_note(checkout, built["source"], allow_errors=allow_errors), json.dumps(kept).encode())
    return archive


def _build(checkout: Checkout, source: Path, progress: BuildProgress | None, *, allow_errors: bool) -> dict[str, Any]:
    """Run the loader, in a process of its own; what it says of what it has built.

    Raises:
        OperatorError: The source can't be published as it is, or there is no room for it.
    """
    argv = [sys.executable, "-m", "app.loader", str(source.resolve()), str(checkout.dist)]
    argv += ["--allow-errors"] if allow_errors else []
    with subprocess.Popen(argv, cwd=checkout.project, stdout=subprocess.PIPE, text=True) as loader:
        said: dict[str, Any] = {}
        for line in loader.stdout or ():
            said = json.loads(line)
            if progress and "progress" in said:
                progress(*said["progress"])
    if "built" in said:
        return cast("dict[str, Any]", said["built"])
    if said.get("count"):
        hint = "" if allow_errors else f" and fab publish --source {source}, or with --allow-errors without these rows"
        raise OperatorError(
            f"nothing was published, {said['count']} things in {source.name} don't fit:\n{said['problems']}",
            next_command=f"mend them{hint}",
        )
    why = said.get("problems", f"the loader ended with {loader.returncode}")
    raise OperatorError(f"{why}; nothing was published", next_command="df -h .; free -m")


def _built_before(note: Path) -> BuiltArchive | None:
    """What was built of the same source; a note that was cut vouches for nothing."""
    try:
        known = json.loads(note.read_bytes())
        return BuiltArchive(known["name"], note.parent / known["file"], known["skipped"], known["stations_entered"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def find_snapshot(checkout: Checkout, name: str) -> BuiltArchive:
    """The built snapshot of a name; fine if its archive is gone, as long as every host has it."""
    return BuiltArchive(name, checkout.dist / f"{SNAPSHOT_PREFIX}{name}{SNAPSHOT_SUFFIX}")


def source_digest(source: Path) -> str:
    """The digest of a source; empty if it can't be read, which the loader will say."""
    try:
        return digest_of_source(*(read_packed(source / file) for file in (regions.FILE, stations.FILE)))
    except SourceError:
        return ""


def _note(checkout: Checkout, source: str, *, allow_errors: bool) -> Path:
    """Where it is noted what was built of a source, by what decides how it comes out."""
    digest = hashlib.sha256(f"{allow_errors}\0{source}\0".encode())
    project = checkout.project
    for file in (file for part in LOADER for file in sorted((project / part).rglob("*.py")) or [project / part]):
        digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return checkout.dist / f"source-{digest.hexdigest()[:16]}.json"
