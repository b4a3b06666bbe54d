"""Building and signing snapshots; how they reach the hosts is in roles/rollout/snapshot_plan.py."""

import hashlib
import json
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from app import layout
from app.loader.announcement import NOTHING, Announcement
from app.loader.half_made import half_made
from app.loader.kept import CHANGES, MADE, code_digest, sha256_of
from app.loader.sources import digest_of_files
from app.pack import INDEX_FILES, STAMP, segment_file
from infra.bridge.errors import OperatorError
from infra.bridge.signers import read_signers
from roles.artefacts.archive import write_archive
from roles.artefacts.built_files import signed_files
from roles.artefacts.facts import Facts
from roles.artefacts.loading import BuildProgress, Loader
from roles.artefacts.signing import check_signature, read_artefact, sha256_beside, sign, signature_beside, signature_of
from roles.scripts.artefacts import Artefact
from roles.scripts.snapshots import SNAPSHOT_NAMESPACE, Parcel, whole
from roles.stack.checkout import Checkout

KEPT = 8
"""So many built snapshots stay in dist/: the next one is made of one of them."""

WHOLE_EFFORT, CHANGES_EFFORT = 1, 6
"""gzip's: the nation is 190 MB, of which more effort takes three times as long for a tenth less; changes are small."""

SPARE_BYTES = 64 * 1024 * 1024
"""What a host is to have free beside what changes need."""


@dataclass(frozen=True)
class Sent:
    """A file that travels, and what a host needs to know of it."""

    path: Path
    parcel: Parcel


@dataclass(frozen=True)
class StoredSnapshot:
    """A snapshot in dist/: as it was built, or as an archive alone that came out of the bucket.

    Args:
        name: Its name.
        checkout: Whose dist/ it is in.
        skipped: How many rows of the source were left out.
    """

    name: str
    checkout: Checkout
    skipped: int = 0

    @property
    def directory(self) -> Path:
        """Where its files are, if it was built here."""
        return _built(self.checkout) / self.name

    @property
    def manifest_path(self) -> Path:
        """Where what is signed is, if it was built here."""
        return self.directory / layout.MANIFEST

    @property
    def signature_path(self) -> Path:
        """Where its signature is."""
        return self.directory / layout.MANIFEST_SIGNATURE

    @property
    def path(self) -> Path:
        """Where the archive with all of it is, once somebody needs it; its signature and sha256 are beside it.

        It goes with what was built: the same content built again has other times, and so is another archive.
        """
        file = f"tegak-snapshot-{self.name}.tar.gz"
        return self.directory / MADE / file if self.is_built else self.checkout.dist / file

    @property
    def is_built(self) -> bool:
        """Whether it is here as it was built, and signed."""
        return self.signature_path.exists()

    @property
    def is_here(self) -> bool:
        """Whether it can be sent from here."""
        return self.is_built or self.path.exists()

    @cached_property
    def facts(self) -> Facts | None:
        """What its manifest says; None where only its archive is here, or nobody can read it."""
        try:
            return Facts.model_validate_json(self.manifest_path.read_bytes()) if self.is_built else None
        except (OSError, ValueError):
            return None

    @cached_property
    def made_of(self) -> str | None:
        """The snapshot of which it was made; None where it was made from nothing, or what says so was altered here."""
        changes = self.directory / MADE / CHANGES
        try:
            known = sha256_beside(changes).read_bytes() == sha256_of(changes).encode()
        except FileNotFoundError:
            return None
        return json.loads(changes.read_bytes())["from"] if known else None

    def artefact(self) -> Artefact:
        """What is known of its archive, which is made if it isn't there.

        Raises:
            OperatorError: It was not built here, and its archive isn't here either; it can't be signed; or it is not as
                it was signed any more.
        """
        if self.facts and not self._is_archived():
            with half_made(_built(self.checkout)) as folder:
                archive = folder / self.path.name
                write_archive(archive, self._signed_files(), effort=WHOLE_EFFORT)
                sign(archive, self.checkout.release_key, SNAPSHOT_NAMESPACE)
                # The archive last: where it is, all of it is.
                for each in (sha256_beside(archive), signature_beside(archive), archive):
                    each.replace(self.path.with_name(each.name))
        return self._archived()

    @cached_property
    def whole(self) -> Sent:
        """All of it.

        Raises:
            OperatorError: See `artefact`.
        """
        return Sent(self.path, whole(self.artefact()))

    @cached_property
    def changes(self) -> Sent:
        """What it has otherwise than the one of which it was made.

        Raises:
            OperatorError: It is not as it was signed any more.
        """
        path, changes = self.directory / MADE / "changes.tar.gz", self.directory / MADE / CHANGES
        new = segment_file(json.loads(changes.read_bytes())["segment"])
        files = self._signed_files([name for name in (STAMP, new) if (self.directory / name).exists()])
        with half_made(_built(self.checkout)) as folder:
            write_archive(folder / path.name, [*files, changes], effort=CHANGES_EFFORT)
            (folder / path.name).replace(path)
        sizes = sum(file.stat().st_size for file in (*files, *(self.directory / name for name in INDEX_FILES)))
        return Sent(path, Parcel(self.name, path.stat().st_size, sha256_of(path), sizes + SPARE_BYTES, self.made_of))

    def _is_archived(self) -> bool:
        """Whether its archive is here, as it was signed."""
        try:
            check_signature(self._archived(), self.path, self._signers())
        except OperatorError:
            return False
        return True

    def _archived(self) -> Artefact:
        return read_artefact(self.name, self.path, SNAPSHOT_NAMESPACE, next_command="fab publish")

    def _signers(self) -> str:
        return read_signers(self.checkout.release_key.with_suffix(".pub"))

    def _signed_files(self, names: Iterable[str] | None = None) -> list[Path]:
        return signed_files(self.directory, names, self._signers())


def ensure_snapshot(
    checkout: Checkout,
    source: str | Path,
    progress: BuildProgress | None,
    *,
    allow_errors: bool = False,
    shown: Facts | None = None,
    announcement: Announcement = NOTHING,
    loader: Loader | None = None,
) -> StoredSnapshot:
    """Build and sign the snapshot of a source, unless dist/ has it from the same source and loader.

    Args:
        checkout: Whose dist/.
        source: A directory with the two tables.
        progress: Told how far it is.
        allow_errors: Leave out rows that don't fit.
        shown: What hosts show: if it is in dist/, only what has changed since is made.
        announcement: What it tells the public; with a correction, it may turn the public's numbers back.
        loader: One that reads the source already, since dist/ has nothing of it.

    Raises:
        OperatorError: The source can't be published as it is; the message names file, row and field.
    """
    known = None if loader else built_before(checkout, source, allow_errors=allow_errors)
    if known is not None and known.facts and not announcement.correction and not _was_superseded(known.facts, shown):
        return known
    options: list[str] = []
    options += ["--previous", str(_built(checkout) / shown.snapshot), "--after", str(shown.modified)] if shown else []
    options += ["--correction", announcement.correction] if announcement.correction else []
    options += ["--every-seconds", str(announcement.every_seconds)] if announcement.every_seconds else []
    # Whatever is half made, or half removed, lies in this folder: what kills us leaves nothing else.
    with half_made(_built(checkout)) as folder:
        target = folder / "built"
        with loader or Loader(checkout, source, allow_errors=allow_errors) as reading:
            built = reading.build(target, options, progress)
        snapshot = StoredSnapshot(built["name"], checkout, built["skipped"])
        if not snapshot.is_built:
            _sign(target / snapshot.name, checkout)
            (target / snapshot.name).rename(snapshot.directory)
        # Of what the loader has read: the source may have become another one since it was looked for here.
        note = {"name": snapshot.name, "skipped": snapshot.skipped}
        (folder / "note").write_text(json.dumps(note), encoding="utf-8")
        (folder / "note").replace(_note(checkout, built["source"], allow_errors=allow_errors))
        _tidy(checkout, {snapshot.name, shown and shown.snapshot}, folder)
    return snapshot


def _was_superseded(known: Facts, shown: Facts | None) -> bool:
    """Whether something else was shown since it was built: it then says of each document when it was that again."""
    return shown is not None and known.snapshot != shown.snapshot and known.modified <= shown.modified


def find_snapshot(checkout: Checkout, name: str) -> StoredSnapshot:
    """The snapshot of a name; fine if nothing of it is here, as long as every host has it."""
    return StoredSnapshot(name, checkout)


def _sign(directory: Path, checkout: Checkout) -> None:
    manifest = (directory / layout.MANIFEST).read_bytes()
    signature = signature_of(manifest, checkout.release_key, SNAPSHOT_NAMESPACE, f"snapshot {directory.name}")
    (directory / layout.MANIFEST_SIGNATURE).write_text(signature, encoding="ascii")
    changes = directory / MADE / CHANGES  # not of what is signed: a host holds what it makes of it against that
    if changes.exists():
        sha256_beside(changes).write_text(sha256_of(changes), encoding="ascii")


def _tidy(checkout: Checkout, needed: AbstractSet[str | None], folder: Path) -> None:
    """Remove all but the newest built snapshots: they go with a folder that goes."""
    found = sorted(_built(checkout).glob("[0-9]*"), key=lambda path: path.stat().st_mtime)
    for each in found[:-KEPT]:
        if each.name not in needed:
            with suppress(FileNotFoundError):  # another publication has removed it
                each.rename(folder / each.name)


def _built(checkout: Checkout) -> Path:
    return checkout.dist / "snapshots"


def built_before(checkout: Checkout, source: str | Path, *, allow_errors: bool) -> StoredSnapshot | None:
    """What was built of the same source by the same code; a note that was cut vouches for nothing."""
    try:
        known = json.loads(_note(checkout, source_digest(source), allow_errors=allow_errors).read_bytes())
        return StoredSnapshot(known["name"], checkout, known["skipped"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def source_digest(source: str | Path) -> str:
    """The digest of a source; empty if it can't be told without the loader, which reads it then."""
    return digest_of_files(str(source))


def _note(checkout: Checkout, source: str, *, allow_errors: bool) -> Path:
    """Where it is noted what was built of a source, by what decides how it comes out."""
    digest = hashlib.sha256(f"{allow_errors}\0{source}\0{code_digest()}".encode())
    return checkout.dist / f"source-{digest.hexdigest()[:16]}.json"
