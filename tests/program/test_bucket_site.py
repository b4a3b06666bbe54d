"""The site in the bucket: what the CDN shows when every location is gone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.addresses import ARCHIVE_INDEX, DEFAULT_PAGE
from app.loader.announcement import Announcement
from app.loader.build import build_snapshot
from app.pack import Pack
from app.snapshot import Snapshot
from infra.bridge.bucket_layout import SITE_PREFIX
from infra.bridge.errors import OperatorError
from roles.artefacts.release import Release, build_release
from roles.aws.clients import client
from roles.bucket.bucket import Bucket, ConflictError
from roles.bucket.site.contents import Contents
from roles.bucket.site.filling import Filling, Tally
from roles.bucket.site.objects import DEEPEST
from roles.bucket.site.service import PageAnswer, PageService, look_of, running, unpack
from roles.stack.checkout import Checkout
from tests.deploy.sources import release_of, replaced
from tests.stands.cloud import REGION, cloud, make_bucket
from tests.stands.lab import PROJECT
from tests.stands.packs import unpack_snapshot
from tests.stands.results import Row, counted_again, renamed, source_of

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


def not_abroad(rows: list[Row]) -> list[Row]:
    """Without what is abroad, where the first of the stations is."""
    return [row for row in rows if not row["id"].startswith("-")]


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

    def snapshot(self, source: Path, correction: str | None = None) -> Path:
        name = f"{source.name}{'-corrected' if correction else ''}"
        if name not in self.made:
            built = build_snapshot(source, self.directory / "dist", announcement=Announcement(correction))
            self.made[name] = unpack_snapshot(built, self.directory / "snapshots" / name)
        return self.made[name]

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
        "fewer": source("fewer", lambda rows: counted_again(rows)[1:], not_abroad),
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


def found_going_down(snapshot: Path) -> set[str]:
    """What there is for who starts at the nation and follows the names that its documents give, to the kecamatan."""
    pack = Pack(snapshot)
    found = {"/robots.txt", DEFAULT_PAGE, *(f"/static/json/{name}.json" for name in ("version", "ppwp", "wilayah/ln"))}
    regions = [""]
    while regions:
        region = regions.pop()
        names = f"/static/json/wilayah{region or '/0'}.json"
        found |= {f"{PATH}{region}", names}
        found |= {f"/static/json/{kind}/ppwp{region}.json" for kind in ("hhcw", "kemajuan")}
        if region.count("/") < DEEPEST:
            regions += [f"{region}/{child}" for child in json.loads(pack.read(names) or b"")]
    return found


def test_every_page_and_file_down_to_the_kecamatan_is_in_the_bucket_and_none_below(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release
) -> None:
    snapshot = shelf.snapshot(sources["first"])
    shelf.fill(bucket, shelf.release(release), snapshot)
    paths = keys_of(bucket)
    assert paths == found_going_down(snapshot)
    depths = {path.count("/") - PATH.count("/") for path in paths if path.startswith(PATH)}
    assert depths == {0, 1, 2, 3}


def test_a_page_leads_to_what_is_there_or_to_a_kelurahan(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release
) -> None:
    shelf.fill(bucket, shelf.release(release), shelf.snapshot(sources["first"]))
    paths = keys_of(bucket)
    pages = {path for path in paths if path.startswith(PATH)}
    links = {link for page in pages for link in LINK.findall(body_of(bucket, page))}
    assert pages - {PATH} <= links
    kelurahan = {link for link in links - paths if link.startswith(PATH)}
    assert {link.count("/") - PATH.count("/") for link in kelurahan} == {DEEPEST + 1}
    assert links - paths - kelurahan == {ARCHIVE_INDEX, "/"}  # `/` is what the CDN asks for DEFAULT_PAGE


def test_after_one_form_only_the_regions_that_it_is_in_are_written(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release
) -> None:
    unpacked = shelf.release(release)
    shelf.fill(bucket, unpacked, shelf.snapshot(sources["first"]))
    _, asked = shelf.fill(bucket, unpacked, shelf.snapshot(sources["counted"]))
    kecamatan = max((path.removeprefix(PATH) for path in asked if path.startswith(PATH)), key=len)
    regions = [kecamatan.rsplit("/", up)[0] for up in range(DEEPEST + 1)]
    wanted = {f"{PATH}{region}" for region in regions}
    wanted |= {f"/static/json/{kind}/ppwp{region}.json" for kind in ("hhcw", "kemajuan") for region in regions}
    assert set(asked) == wanted | {"/static/json/version.json", DEFAULT_PAGE}
    assert len(asked) == 14
    assert set(asked[-2:]) == {PATH, DEFAULT_PAGE}
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
    assert gone == {path for path in before if re.search(r"/-99|/ln.json$", path)}
    assert tally.removed == len(gone) == 13
    assert "/maaf.html" in keys_of(bucket)
    markers = client("s3", REGION).list_object_versions(Bucket=bucket.publication.bucket)["DeleteMarkers"]
    assert {each["Key"] for each in markers} == {f"{SITE_PREFIX}{path}" for path in gone}


@pytest.mark.parametrize("after", [0, 1, 15, 31])
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
    assert keys_of(bucket) == set(done) | set(rest)
    assert len(rest) == everything


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
    note, _ = Contents(bucket).note()
    assert note
    assert note.snapshot is None, "the bucket is said to have what nobody knows"
    shelf.fill(bucket, unpacked, counted)
    assert shelf.differences(bucket, unpacked, counted, but_for_time=False) == []


def test_a_run_that_is_overtaken_before_it_writes_writes_nothing(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = shelf.release(release)
    first, counted = shelf.snapshot(sources["first"]), shelf.snapshot(sources["counted"])
    listed, began = Contents.listed, list[str]()

    def listed_after_another_run(self: Contents) -> object:
        if not began:
            began.append("another")
            shelf.fill(bucket, unpacked, counted)
        return listed(self)

    monkeypatch.setattr(Contents, "listed", listed_after_another_run)
    with pytest.raises(ConflictError):
        shelf.fill(bucket, unpacked, first)
    note, _ = Contents(bucket).note()
    assert note
    assert note.snapshot == Snapshot(counted).name
    assert shelf.differences(bucket, unpacked, counted, but_for_time=False) == []


def test_a_correction_is_on_every_page_and_gone_with_the_next_results(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release
) -> None:
    unpacked, first = shelf.release(release), shelf.snapshot(sources["first"])
    corrected = shelf.snapshot(sources["first"], correction="Uji coba.")
    for snapshot in (first, corrected, first):
        shelf.fill(bucket, unpacked, snapshot)
        assert shelf.differences(bucket, unpacked, snapshot, but_for_time=False) == []


def test_with_other_templates_every_page_is_rendered_by_them(
    bucket: Bucket, shelf: Shelf, sources: dict[str, Path], release: Release, tmp_path: Path
) -> None:
    other = shelf.release(
        release_of(tmp_path, "5.0.1", replaced("app/templates/base.html.j2", "bukan hasil resmi", "tidak resmi"))
    )
    first = shelf.snapshot(sources["first"])
    shelf.fill(bucket, shelf.release(release), first)
    _, asked = shelf.fill(bucket, other, first)
    assert set(asked) == {path for path in keys_of(bucket) if path.startswith(PATH) or path == DEFAULT_PAGE}
    assert shelf.differences(bucket, other, first, but_for_time=False) == []
    assert shelf.fill(bucket, other, first) == (Tally(), [])


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
