"""The site in the bucket: what the CDN shows when every location is gone."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.loader.build import build_snapshot
from app.snapshot import Snapshot
from infra.bridge.bucket_layout import SITE_PREFIX
from infra.bridge.errors import OperatorError
from roles.artefacts.release import Release, build_release
from roles.aws.clients import client
from roles.bucket.bucket import Bucket, ConflictError
from roles.bucket.site.contents import Contents
from roles.bucket.site.filling import Filling, Tally
from roles.bucket.site.objects import read_parts
from roles.bucket.site.service import PageAnswer, PageService, look_of, running, unpack
from roles.stack.checkout import Checkout
from tests.deploy.sources import release_of, replaced
from tests.stands.cloud import REGION, cloud, make_bucket
from tests.stands.lab import PROJECT
from tests.stands.packs import unpack_snapshot
from tests.stands.results import Row, counted_again, renamed, source_of, without_last

Change = Callable[[list[Row]], list[Row]]
TIME = re.compile(r"<time [^>]*>[^<]*</time>|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
LINK = re.compile(r'href="(/[^"]*)"')

PATH = "/ppwp/hitung-suara"
KEPT = {"0", "-99", "41863", "41864", "41881"}
"""Of the small sample's regions: one abroad, and one kecamatan of the kabupaten whose name is changed."""


def few_regions(rows: list[Row]) -> list[Row]:
    """These, and all that is below those of which no part is among them."""
    kept = set(KEPT)
    for row in rows:  # parents come first
        if row["parent_id"] in kept - {"0", "41863", "41864"}:
            kept.add(row["id"])
    return [row for row in rows if row["id"] in kept]


def few_stations(rows: list[Row]) -> list[Row]:
    """Some of theirs, the first of which is not entered."""
    return [rows[92], *rows[180:314:20]]


@dataclass
class Watched:
    """The service, which notes what it is asked for, and fails when it is told to."""

    service: PageService
    asked: list[str] = field(default_factory=list[str])
    fails_after: int | None = None

    def answer(self, path: str) -> PageAnswer:
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise OperatorError("the power is gone")
        self.asked.append(path)
        return self.service.answer(path)


@dataclass(frozen=True)
class Published:
    """A snapshot and a release, unpacked, and the service that answers from them."""

    snapshot: Path
    look: str
    service: PageService


@dataclass
class Shelf:
    """Snapshots and releases by name, each made once, and the services that answer from them, each started once."""

    directory: Path
    started: ExitStack
    made: dict[str, Path] = field(default_factory=dict[str, Path])
    services: dict[tuple[Path, Path], PageService] = field(default_factory=dict[tuple[Path, Path], PageService])

    def snapshot(self, source: Path) -> Path:
        if source.name not in self.made:
            built = build_snapshot(source, self.directory / "dist")
            self.made[source.name] = unpack_snapshot(built, self.directory / "snapshots" / source.name)
        return self.made[source.name]

    def release(self, release: Release) -> Path:
        if release.name not in self.made:
            self.made[release.name] = unpack(release.path, self.directory / "releases" / release.name)
        return self.made[release.name]

    def service(self, release: Path, snapshot: Path) -> AbstractContextManager[PageService]:
        """The service; once its connections are closed it can be asked again."""
        if (release, snapshot) not in self.services:
            self.services[release, snapshot] = self.started.enter_context(running(release, snapshot, processes=1))
        return closing(self.services[release, snapshot])

    def fill(
        self,
        bucket: Bucket,
        release: Path,
        snapshot: Path,
        *,
        fails_after: int | None = None,
        seen: str | None = "newest",
    ) -> tuple[Tally, list[str]]:
        """Bring site/ to a snapshot; what was asked of the service, in its order."""
        with self.service(release, snapshot) as service:
            watched = Watched(service, fails_after=fails_after)
            _, newest = Contents(bucket).note()
            filling = Filling(
                bucket,
                Snapshot(snapshot),
                look_of(release),
                watched,  # pyright: ignore[reportArgumentType]  # it answers, as the service does
                _say_nothing,
                newest if seen == "newest" else seen,
            )
            try:
                return filling.fill(), watched.asked
            except OperatorError:
                if fails_after is None:
                    raise
                return filling.tally, watched.asked

    def differences(self, bucket: Bucket, release: Path, snapshot: Path, *, but_for_time: bool) -> list[str]:
        """The paths that the bucket has otherwise than the service answers them."""
        with self.service(release, snapshot) as service:
            return [
                path
                for path in sorted(keys_of(bucket))
                if _as(body_of(bucket, path), but_for_time) != _as(service.answer(path).body.decode(), but_for_time)
            ]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shelf, None, None]:
    with ExitStack() as started:
        yield Shelf(tmp_path_factory.mktemp("site"), started)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("sources")

    def source(name: str, change: Change = list, regions: Change = list) -> Path:
        return source_of(
            directory / name,
            stations=lambda rows: change(few_stations(rows)),
            regions=lambda rows: regions(few_regions(rows)),
        )

    return {
        "first": source("first"),
        "counted": source("counted", counted_again),
        "fewer": source("fewer", lambda rows: without_last(counted_again(rows))),
        "renamed": source("renamed", regions=renamed),
    }


@pytest.fixture(scope="module")
def release() -> Release:
    return build_release(Checkout(PROJECT, ""), "5.0.0")


@pytest.fixture
def bucket() -> Generator[Bucket, None, None]:
    with cloud():
        yield Bucket(make_bucket())


def keys_of(bucket: Bucket) -> set[str]:
    return {key.removeprefix(SITE_PREFIX) for key in bucket.keys(f"{SITE_PREFIX}/")}


def body_of(bucket: Bucket, path: str) -> str:
    kept = bucket.read(f"{SITE_PREFIX}{path}")
    assert kept, path
    return kept.body.decode()


def _say_nothing(_: str, __: int, ___: int) -> None:
    """How far it is matters to nobody here."""


def _as(text: str, but_for_time: bool) -> str:  # noqa: FBT001
    return TIME.sub("time", text) if but_for_time else text


def test_every_object_is_what_the_service_answers_to_its_path_with_its_headers(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release
) -> None:
    unpacked, snapshot = shelf.release(release), shelf.snapshot(sources["first"])
    tally, _ = shelf.fill(bucket, unpacked, snapshot)
    paths = keys_of(bucket)
    assert tally.written == len(paths)
    assert shelf.differences(bucket, unpacked, snapshot, but_for_time=False) == []
    s3 = client("s3", REGION)
    with shelf.service(unpacked, snapshot) as service:
        for path in paths:
            head = s3.head_object(Bucket=bucket.publication.bucket, Key=f"{SITE_PREFIX}{path}")
            answer = service.answer(path)
            assert (head["ContentType"], head["CacheControl"]) == (answer.content_type, answer.cache_control)


def test_every_link_every_file_of_the_layout_and_every_station_is_in_the_bucket(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release
) -> None:
    snapshot = shelf.snapshot(sources["first"])
    shelf.fill(bucket, shelf.release(release), snapshot)
    paths = keys_of(bucket)
    pages = {path for path in paths if path.startswith(PATH)}
    links = {link for page in pages for link in LINK.findall(body_of(bucket, page))}
    assert links <= paths, links - paths
    assert pages - {PATH} <= links
    files = {f"/{file.relative_to(snapshot)}" for file in (snapshot / "static").rglob("*.json")}
    assert files <= paths, files - paths
    assert "/robots.txt" in paths
    # What a client asks for each station, entered or not: what isn't there is an error to the CDN.
    stations = {path for path in pages if path.count("/") == PATH.count("/") + 5}
    documents = {path.replace(PATH, "/static/json/hhcw/ppwp") + ".json" for path in stations}
    assert len(documents) == 8
    assert documents <= paths
    assert "{}" in {body_of(bucket, path) for path in documents}


def test_after_one_form_only_its_station_and_what_is_above_it_are_written(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release
) -> None:
    unpacked = shelf.release(release)
    shelf.fill(bucket, unpacked, shelf.snapshot(sources["first"]))
    _, asked = shelf.fill(bucket, unpacked, shelf.snapshot(sources["counted"]))
    station = max((path.removeprefix(PATH) for path in asked if path.startswith(PATH)), key=len)
    above = [station.rsplit("/", up)[0] for up in range(6)]
    wanted = {f"{PATH}{path}" for path in above} | {f"/static/json/hhcw/ppwp{path}.json" for path in above}
    wanted |= {f"/static/json/kemajuan/ppwp{path}.json" for path in above[1:]}
    assert set(asked) == wanted | {"/static/json/version.json"}
    assert len(asked) == 18
    assert shelf.fill(bucket, unpacked, shelf.snapshot(sources["counted"])) == (Tally(), [])


@pytest.mark.parametrize("then", ["counted", "fewer", "renamed"])
def test_after_a_change_the_bucket_says_what_the_service_would_but_for_the_time_of_what_is_the_same(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release, then: str
) -> None:
    unpacked = shelf.release(release)
    shelf.fill(bucket, unpacked, shelf.snapshot(sources["first"]))
    shelf.fill(bucket, unpacked, shelf.snapshot(sources[then]))
    assert shelf.differences(bucket, unpacked, shelf.snapshot(sources[then]), but_for_time=True) == []


def test_what_is_gone_is_removed_and_the_page_for_what_is_not_there_stays(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release
) -> None:
    sorry = f"{SITE_PREFIX}/maaf.html"
    bucket.overwrite(sorry, b"maaf", content_type="text/html")
    unpacked = shelf.release(release)
    shelf.fill(bucket, unpacked, shelf.snapshot(sources["first"]))
    before = keys_of(bucket)
    tally, _ = shelf.fill(bucket, unpacked, shelf.snapshot(sources["fewer"]))
    gone = before - keys_of(bucket)
    assert tally.removed == len(gone) == 2
    assert "/maaf.html" in keys_of(bucket)
    markers = client("s3", REGION).list_object_versions(Bucket=bucket.publication.bucket)["DeleteMarkers"]
    assert {each["Key"] for each in markers} == {f"{SITE_PREFIX}{path}" for path in gone}


@pytest.mark.parametrize("after", [0, 1, 30, 60])
def test_a_run_that_dies_is_continued_and_what_it_wrote_is_not_taken_for_another_snapshots(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release, after: int
) -> None:
    unpacked = shelf.release(release)
    first, counted = shelf.snapshot(sources["first"]), shelf.snapshot(sources["counted"])
    everything = len(shelf.fill(bucket, unpacked, first)[1])
    # Half-way to one snapshot, and back to the one before.
    shelf.fill(bucket, unpacked, counted, fails_after=min(after, 5))
    shelf.fill(bucket, unpacked, first)
    assert shelf.differences(bucket, unpacked, first, but_for_time=False) == []
    note, _ = Contents(bucket).note()
    assert note
    assert note.snapshot == Snapshot(first).name

    bucket.remove([*bucket.keys("site")])
    _, done = shelf.fill(bucket, unpacked, first, fails_after=after)
    _, rest = shelf.fill(bucket, unpacked, first)
    assert shelf.differences(bucket, unpacked, first, but_for_time=False) == []
    assert keys_of(bucket) >= set(done) | set(rest)
    assert len(done) + len(rest) <= everything + max(len(part.digests) for part in read_parts(Snapshot(first)))


def test_a_run_that_began_before_another_one_writes_nothing_after_it(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release
) -> None:
    unpacked = shelf.release(release)
    _, before = Contents(bucket).note()
    shelf.fill(bucket, unpacked, shelf.snapshot(sources["counted"]))
    with pytest.raises(ConflictError):
        shelf.fill(bucket, unpacked, shelf.snapshot(sources["first"]), seen=before)
    assert shelf.differences(bucket, unpacked, shelf.snapshot(sources["counted"]), but_for_time=False) == []


def test_of_two_runs_at_once_the_later_one_is_the_one_whose_snapshot_is_there(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = shelf.release(release)
    first, counted = shelf.snapshot(sources["first"]), shelf.snapshot(sources["counted"])
    answer, began = Watched.answer, list[str]()

    def answer_while_another_runs(self: Watched, path: str) -> PageAnswer:
        if not began:
            began.append(path)
            shelf.fill(bucket, unpacked, counted)
        return answer(self, path)

    monkeypatch.setattr(Watched, "answer", answer_while_another_runs)
    with pytest.raises(ConflictError):
        shelf.fill(bucket, unpacked, first)
    shelf.fill(bucket, unpacked, counted)
    assert shelf.differences(bucket, unpacked, counted, but_for_time=False) == []


def test_with_other_templates_the_newest_figures_come_first_and_then_every_page_is_rendered_by_them(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release, tmp_path: Path
) -> None:
    other = shelf.release(
        release_of(tmp_path, "5.0.1", replaced("app/templates/base.html.j2", "bukan hasil resmi", "tidak resmi"))
    )
    shelf.fill(bucket, shelf.release(release), shelf.snapshot(sources["first"]))
    counted = shelf.snapshot(sources["counted"])
    _, asked = shelf.fill(bucket, other, counted)
    assert len(set(asked[:18])) == 18
    assert asked.index(PATH) == 17
    assert shelf.differences(bucket, other, counted, but_for_time=False) == []
    assert shelf.fill(bucket, other, counted) == (Tally(), [])


def test_a_release_with_the_same_pages_changes_nothing(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release
) -> None:
    first = shelf.snapshot(sources["first"])
    shelf.fill(bucket, shelf.release(release), first)
    again = build_release(Checkout(PROJECT, ""), "5.0.2")
    assert shelf.fill(bucket, shelf.release(again), first) == (Tally(), [])


def test_a_service_that_does_not_start_here_is_said_in_its_own_words(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "release/lib/app").mkdir(parents=True)
    (tmp_path / "release/lib/app/__init__.py").touch()
    (tmp_path / "release/lib/app/__main__.py").write_text("raise SystemExit('it is broken')\n", encoding="utf-8")
    with pytest.raises(OperatorError, match="does not become ready here: it is broken"):
        shelf.fill(bucket, tmp_path / "release", shelf.snapshot(sources["first"]))
    assert keys_of(bucket) == set()
