"""A built snapshot's files, held against what was signed before they travel: what is on a disk may not be what was."""

import json
from collections.abc import Iterable
from pathlib import Path

from app import layout
from app.loader.half_made import half_made
from app.loader.kept import sha256_of
from infra.bridge.errors import OperatorError
from roles.artefacts.signing import check_signature
from roles.scripts.artefacts import Artefact
from roles.scripts.snapshots import SNAPSHOT_NAMESPACE


def signed_files(directory: Path, names: Iterable[str] | None, signers: str) -> list[Path]:
    """The manifest of a snapshot, its signature, and files of it.

    Args:
        directory: The snapshot's.
        names: Of the files; all if None.
        signers: Who may sign snapshots.

    Raises:
        OperatorError: One is not as it was signed. Every snapshot beside it that has this file is removed: what is
            published next is not made of it.
    """
    manifest, signature = directory / layout.MANIFEST.name, directory / layout.MANIFEST_SIGNATURE.name
    try:
        text = signature.read_text(encoding="ascii")
        size, digest = manifest.stat().st_size, sha256_of(manifest)
        check_signature(Artefact(directory.name, size, digest, text, SNAPSHOT_NAMESPACE), manifest, signers)
        digests: dict[str, str] = json.loads(manifest.read_bytes())["files"]
    except (OSError, ValueError, OperatorError):
        raise _altered(manifest) from None
    files = [directory / name for name in (digests if names is None else names)]
    for file in files:
        if not file.exists() or sha256_of(file) != digests[file.name]:
            raise _altered(file)
    return [manifest, signature, *files]


def _altered(file: Path) -> OperatorError:
    snapshot = file.parent
    sharing = [each for each in snapshot.parent.iterdir() if each == snapshot or _is_same(each / file.name, file)]
    with half_made(snapshot.parent) as folder:
        for each in sharing:
            each.rename(folder / each.name)
    return OperatorError(
        f"{file.name} of {snapshot.name} in dist/ is not as it was signed: it was removed there, and nothing was sent",
        next_command="the same command again, which builds it anew",
    )


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
