"""The archive of what was published, for the public, in the bucket of a stack whose edge is a CDN."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from infra.bridge.bucket_layout import ARCHIVE_PREFIX
from infra.bridge.errors import OperatorError
from roles.artefacts.snapshot import Sent, StoredSnapshot
from roles.bucket.bucket import Bucket, ConflictError
from roles.on_host.archive_index import INDEX, SIGNERS, entry_of, index_of, kept, read_index

INDEX_KEY = f"{ARCHIVE_PREFIX}/{INDEX}"
FOR_A_MOMENT, FOR_EVER = "public, max-age=10", "public, max-age=31536000, immutable"
JSON, TEXT, GZIP = "application/json", "text/plain", "application/gzip"
TRIES = 3
"""Somebody else may add to it meanwhile."""


@dataclass(frozen=True)
class ArchiveInBucket:
    """The archive in a bucket; that of an edge is `roles.on_host.public_archive`.

    Args:
        bucket: The bucket.
        keep_days: What is so much older than the newest is removed.
        signers: Who may sign, a line of an allowed_signers file.
    """

    bucket: Bucket
    keep_days: int
    signers: str

    @property
    def name(self) -> str:
        """What it is called in an error's sentence."""
        return f"the bucket {self.bucket.publication.bucket}"

    def names(self) -> AbstractSet[str]:
        """The snapshots that are in it.

        Raises:
            OperatorError: S3 refuses, or doesn't answer.
        """
        kept_index = self.bucket.read(INDEX_KEY)
        return {entry["nama"] for entry in read_index(kept_index.body)} if kept_index else set()

    def add(self, snapshot: StoredSnapshot, sent: Sent) -> None:
        """Add a snapshot: its files first, then the index; what goes, goes after it.

        Raises:
            OperatorError: S3 refuses or doesn't answer, or others go on adding to it.
        """
        manifest, signature = snapshot.manifest_path.read_bytes(), snapshot.signature_path.read_bytes()
        entry = entry_of(manifest, sent.parcel.made_of, sent.parcel.size_bytes, sent.parcel.sha256)
        small = {"manifes": (manifest, JSON), "tanda_tangan": (signature, TEXT)}
        for what, (body, content_type) in small.items():
            self.bucket.overwrite(_key(entry[what]), body, content_type=content_type, cache_control=FOR_EVER)
        self.bucket.put_file(
            _key(entry["berkas"]), sent.path, sent.parcel.sha256, content_type=GZIP, cache_control=FOR_EVER
        )
        self.bucket.overwrite(
            f"{ARCHIVE_PREFIX}/{SIGNERS}", f"{self.signers}\n".encode(), content_type=TEXT, cache_control=FOR_A_MOMENT
        )
        self._index(entry)

    def _index(self, entry: dict[str, object]) -> None:
        for _ in range(TRIES):
            seen = self.bucket.read(INDEX_KEY)
            before = [each for each in (read_index(seen.body) if seen else []) if each["nama"] != entry["nama"]]
            entries = kept([entry, *before], self.keep_days)
            etag = seen.etag if seen else None
            try:
                self.bucket.write(
                    INDEX_KEY, index_of(entries), content_type=JSON, cache_control=FOR_A_MOMENT, seen=etag
                )
            except ConflictError:
                continue
            gone = [each for each in before if each not in entries]
            files = [_key(each[what]) for each in gone for what in ("manifes", "tanda_tangan", "berkas")]
            self.bucket.remove(files)
            return
        raise OperatorError("others went on adding to the archive", next_command="the same again")


def _key(address: str) -> str:
    """The object that the CDN asks for at an address: the archive's keys are its public paths."""
    return address.removeprefix("/")
