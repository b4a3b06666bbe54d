"""The public archive of a stack whose edge is a CDN: in the bucket, under the addresses that the CDN asks for."""

import http.server
import socketserver
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.bridge.signers import read_signers
from roles.artefacts.snapshot import StoredSnapshot
from roles.aws.clients import client
from roles.bucket.bucket import Bucket, KeptObject
from roles.bucket.public_archive import INDEX_KEY, ArchiveInBucket
from roles.on_host.archive_index import read_index
from tests.stands.cloud import REGION, cloud, make_bucket
from tests.stands.lab import PROJECT
from tests.stands.publications import parcels, publications
from tools.verify_archive import NotAsSignedError, Site, main

DAYS = 90


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> list[StoredSnapshot]:
    return publications(tmp_path_factory.mktemp("published"), 3)


@pytest.fixture
def bucket() -> Generator[Bucket, None, None]:
    with cloud():
        yield Bucket(make_bucket())


def archive_in(bucket: Bucket, days: int = DAYS) -> ArchiveInBucket:
    return ArchiveInBucket(bucket, days, read_signers(PROJECT / ".secrets/release.pub"))


def add_all(archive: ArchiveInBucket, published: list[StoredSnapshot]) -> None:
    for snapshot, sent in zip(published, parcels(published), strict=True):
        archive.add(snapshot, sent)


def index_of(bucket: Bucket) -> list[dict[str, Any]]:
    kept = bucket.read(INDEX_KEY)
    assert kept
    return read_index(kept.body)


@contextmanager
def as_the_cdn(bucket: Bucket) -> Generator[str, None, None]:
    """The address of a server that answers each path with the object that the CDN would ask for."""

    class FromTheBucket(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kept = bucket.read(self.path.removeprefix("/"))
            self.send_response(200 if kept else 403)
            self.end_headers()
            self.wfile.write(kept.body if kept else b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002  # http.server's own names
            return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), FromTheBucket) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_whoever_asks_the_cdn_finds_every_publication_and_can_check_it(
    bucket: Bucket, published: list[StoredSnapshot], capsys: pytest.CaptureFixture[str]
) -> None:
    archive = archive_in(bucket)
    assert archive.names() == set()
    add_all(archive, published)
    assert archive.names() == {each.name for each in published}
    assert [entry["nama"] for entry in index_of(bucket)] == [each.name for each in published][::-1]
    with as_the_cdn(bucket) as url:
        assert main([url]) == 0
    said = capsys.readouterr().out
    assert all(f"{each.name}: " in said for each in published)


def test_each_object_says_what_it_is_and_for_how_long_it_may_be_kept(
    bucket: Bucket, published: list[StoredSnapshot]
) -> None:
    add_all(archive_in(bucket), published)
    s3, (newest, *_) = client("s3", REGION), index_of(bucket)
    for address, kind, caching in (
        ("/arsip/indeks.json", "application/json", "public, max-age=10"),
        ("/arsip/allowed_signers", "text/plain", "public, max-age=10"),
        (newest["manifes"], "application/json", "public, max-age=31536000, immutable"),
        (newest["tanda_tangan"], "text/plain", "public, max-age=31536000, immutable"),
        (newest["berkas"], "application/gzip", "public, max-age=31536000, immutable"),
    ):
        head = s3.head_object(Bucket=bucket.publication.bucket, Key=address.removeprefix("/"))
        assert (head["ContentType"], head["CacheControl"]) == (kind, caching), address


def test_what_another_checkout_adds_meanwhile_stays_in_the_index(
    bucket: Bucket, published: list[StoredSnapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_in(bucket)
    archive.add(published[0], published[0].whole)
    read, meanwhile = Bucket.read, list[str]()

    def read_then_another_adds(self: Bucket, key: str) -> KeptObject | None:
        kept = read(self, key)
        if key == INDEX_KEY and not meanwhile:
            meanwhile.append(key)
            archive.add(published[1], published[1].changes)
        return kept

    monkeypatch.setattr(Bucket, "read", read_then_another_adds)
    archive.add(published[2], published[2].changes)
    assert archive.names() == {each.name for each in published}


def test_what_is_too_old_is_gone_from_the_index_and_then_from_the_bucket(
    bucket: Bucket, published: list[StoredSnapshot]
) -> None:
    archive = archive_in(bucket)
    archive.add(published[0], published[0].whole)
    kept = bucket.read(INDEX_KEY)
    assert kept
    (old,) = read_index(kept.body)
    bucket.overwrite(
        INDEX_KEY, kept.body.replace(old["dibuat"].encode(), b"2018-01-01T00:00:00+00:00"), content_type=""
    )
    archive.add(published[1], published[1].whole)
    assert archive.names() == {published[1].name}
    there = bucket.keys("arsip/")
    assert not [key for key in there if old["nama"] in key]
    assert len(there) == 5


@pytest.mark.parametrize("what", ["manifes", "tanda_tangan", "berkas"])
def test_whoever_checks_notices_what_was_altered(
    bucket: Bucket, published: list[StoredSnapshot], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_all(archive_in(bucket), published)
    key = index_of(bucket)[0][what].removeprefix("/")
    kept = bucket.read(key)
    assert kept
    middle = len(kept.body) // 2
    bucket.overwrite(
        key, kept.body[:middle] + bytes([kept.body[middle] ^ 1]) + kept.body[middle + 1 :], content_type=""
    )
    with as_the_cdn(bucket) as url:
        assert main([url, "--newest", "1"]) == 1
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    "address", ["/version", "/arsip/../etc/passwd", "//example.org/arsip/indeks.json", "@example.org/", ""]
)
def test_an_index_leads_whoever_checks_nowhere_but_into_the_archive(address: str) -> None:
    with pytest.raises(NotAsSignedError, match="no address of the archive"):
        Site("http://127.0.0.1:9").get(address)


def test_what_nobody_may_sign_is_not_believed(
    bucket: Bucket, published: list[StoredSnapshot], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_all(archive_in(bucket), published)
    (tmp_path / "signers").write_text((PROJECT / ".secrets/operator.pub").read_text())
    with as_the_cdn(bucket) as url:
        assert main([url, "--signers", str(tmp_path / "signers")]) == 1
    assert "has no valid signature" in capsys.readouterr().err
