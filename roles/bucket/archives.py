"""Releases and snapshots in the publication bucket: written once, and fetched where another checkout built them."""

from dataclasses import dataclass
from pathlib import Path

from infra.bridge.bucket_layout import RELEASES_PREFIX, SNAPSHOTS_PREFIX
from infra.bridge.errors import OperatorError
from roles.artefacts.release import Release
from roles.artefacts.signing import check_signature, sha256_beside, signature_beside
from roles.artefacts.snapshot import StoredSnapshot, find_snapshot
from roles.bucket.bucket import Bucket
from roles.bucket.start import Published
from roles.stack.checkout import Checkout


@dataclass(frozen=True)
class Archives:
    """The archives of a stack, here and in its bucket.

    Args:
        bucket: The bucket.
        checkout: The checkout.
        signers: Who may sign them.
    """

    bucket: Bucket
    checkout: Checkout
    signers: str

    def release(self, name: str) -> Release:
        """A release in dist/; fetched if it was built elsewhere.

        Raises:
            OperatorError: It is neither here nor in the bucket.
        """
        release = Release.of(self.checkout, name)
        self._have(release)
        return release

    def snapshot(self, name: str) -> StoredSnapshot:
        """A snapshot in dist/; fetched if it was built elsewhere.

        Raises:
            OperatorError: It is neither here nor in the bucket.
        """
        snapshot = find_snapshot(self.checkout, name)
        if snapshot.is_built:
            snapshot.artefact()  # which makes it
        self._have(snapshot)
        return snapshot

    def lacking(self, archive: Release | StoredSnapshot) -> str | None:
        """The key that an archive will have in the bucket; None if it is there already.

        Raises:
            OperatorError: The bucket has another archive of that name.
        """
        key, artefact = key_of(archive), archive.artefact()
        there = self.bucket.sha256_of(key)
        if there is not None and there != artefact.sha256:
            raise OperatorError(
                f"the bucket has another {archive.path.name} than dist/; neither was changed",
                next_command=f"look at both: aws s3 cp s3://{self.bucket.publication.bucket}/{key} .",
            )
        return key if there is None else None

    def publish(self, archive: Release | StoredSnapshot) -> Published:
        """Write an archive into the bucket, unless it is there.

        Raises:
            OperatorError: S3 refuses, or has another archive of that name.
        """
        artefact, key = archive.artefact(), self.lacking(archive)
        if key is not None:
            for beside in _beside(archive):
                self.bucket.overwrite(_key(archive, beside), beside.read_bytes(), content_type=TEXT)
            self.bucket.put_file(key, archive.path, artefact.sha256)
        return Published(key_of(archive), artefact)

    def _have(self, archive: Release | StoredSnapshot) -> None:
        path, beside = archive.path, _beside(archive)
        if all(each.exists() for each in (path, *beside)):
            return
        # The archive last: it is what says that the rest is there.
        fetched = [self.bucket.fetch(_key(archive, each), each) for each in beside]
        if not (all(fetched) and self.bucket.fetch(key_of(archive), path)):
            raise OperatorError(
                f"{path.name} is neither in dist/ nor in the bucket {self.bucket.publication.bucket}",
                next_command="the same from the checkout that built it",
            )
        try:
            check_signature(archive.artefact(), path, self.signers)
        except OperatorError:
            path.unlink()
            raise


TEXT = "text/plain"


def key_of(archive: Release | StoredSnapshot) -> str:
    """Where an archive is in the bucket."""
    return _key(archive, archive.path)


def _key(archive: Release | StoredSnapshot, file: Path) -> str:
    prefix = RELEASES_PREFIX if isinstance(archive, Release) else SNAPSHOTS_PREFIX
    return f"{prefix}/{file.name}"


def _beside(archive: Release | StoredSnapshot) -> tuple[Path, Path]:
    """What is kept beside an archive in dist/, and beside it in the bucket."""
    return sha256_beside(archive.path), signature_beside(archive.path)
