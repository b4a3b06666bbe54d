"""The public archive on an edge: the program that keeps it, over a temporary root, and what is sent to it."""

import datetime as dt
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roles.artefacts.snapshot import Sent, StoredSnapshot
from roles.on_host.archive_index import kept, read_index
from roles.scripts.public_archive import add_to_archive, list_archive
from roles.scripts.quoting import Script
from roles.tasks.archiving import lacking
from tests.stands.lab import PROJECT
from tests.stands.publications import CORRECTION, parcels, publications

pytestmark = pytest.mark.thorough


DAYS = 90
TICKS = 4


@dataclass(frozen=True)
class Edge:
    """An edge's tree."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "srv/tegak/arsip"

    def text(self, script: Script) -> str:
        return script.text.replace("/srv/tegak", f"{self.root}/srv/tegak").replace(
            "/etc/tegak", f"{self.root}/etc/tegak"
        )

    def run(self, script: Script, stdin: bytes = b"") -> tuple[int, str]:
        argv = ["bash", "-c", self.text(script)]
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False)
        return done.returncode, (done.stderr or done.stdout).decode().strip()

    def add(self, sent: Sent, days: int = DAYS, stdin: bytes | None = None) -> tuple[int, str]:
        return self.run(add_to_archive(sent.parcel, days), sent.path.read_bytes() if stdin is None else stdin)

    def index(self) -> list[dict[str, Any]]:
        return read_index((self.folder / "indeks.json").read_bytes())

    def listed(self) -> list[str]:
        return [entry["nama"] for entry in self.index()]

    def there(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()} - {"indeks.json", "allowed_signers", ".lock"}


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    edge = Edge(tmp_path / "edge")
    (edge.root / "etc/tegak").mkdir(parents=True)
    key = (PROJECT / ".secrets/release.pub").read_text()
    (edge.root / "etc/tegak/allowed_signers").write_text(f"release@tegak {key}")
    return edge


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> list[StoredSnapshot]:
    return publications(tmp_path_factory.mktemp("published"), TICKS)


def names(published: list[StoredSnapshot]) -> list[str]:
    return [each.name for each in published]


def test_every_publication_is_listed_newest_first_with_what_is_needed_to_check_it(
    edge: Edge, published: list[StoredSnapshot]
) -> None:
    for sent in parcels(published):
        assert edge.add(sent) == (0, "")
    assert edge.listed() == names(published)[::-1]
    assert [entry["perubahan_dari"] for entry in edge.index()] == [*names(published)[:-1][::-1], None]
    assert [entry["koreksi"] for entry in edge.index()] == [CORRECTION, None, None, None]
    newest = edge.index()[0]
    assert dt.datetime.fromisoformat(newest["data_per"]) == published[-1].facts.as_of  # pyright: ignore[reportOptionalMemberAccess]
    files = [newest[what].removeprefix("/arsip/") for what in ("manifes", "tanda_tangan", "berkas")]
    given_bytes = [published[-1].manifest_path, published[-1].signature_path, published[-1].changes.path]
    assert [(edge.folder / file).read_bytes() for file in files] == [path.read_bytes() for path in given_bytes]
    assert newest["berkas_ukuran"] == published[-1].changes.path.stat().st_size
    assert json.loads(edge.run(list_archive())[1]) == sorted(names(published))
    signers = (edge.root / "etc/tegak/allowed_signers").read_text()
    assert (edge.folder / "allowed_signers").read_text() == signers


def test_what_is_there_already_changes_nothing(edge: Edge, published: list[StoredSnapshot]) -> None:
    edge.add(published[0].whole)
    before = (edge.folder / "indeks.json").read_bytes()
    assert edge.add(published[0].whole, stdin=b"something else") == (0, "")
    assert (edge.folder / "indeks.json").read_bytes() == before


def altered(sent: Sent, how: str, edge: Edge) -> tuple[Sent, bytes]:
    body = sent.path.read_bytes()
    if how == "a bit":
        return sent, body[:-30] + bytes([body[-30] ^ 1]) + body[-29:]
    if how == "the end":
        return sent, body[:-100]
    if how == "the name":
        return replace(sent, parcel=replace(sent.parcel, name="20190417T000000Z-0123456789")), body
    if how == "the signer":
        (edge.root / "etc/tegak/allowed_signers").write_text("release@tegak ssh-ed25519 AAAA\n")
        return sent, body
    return replace(sent, parcel=replace(sent.parcel, made_of="20190417T000000Z-0123456789")), body


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("a bit", "arrived with another sha256"),
        ("the end", "arrived with another sha256"),
        ("the name", "has no valid signature"),
        ("the signer", "has no valid signature"),
        ("the one before", "which is not in the archive"),
    ],
)
def test_what_is_not_as_signed_or_leads_nowhere_is_refused_and_leaves_nothing(
    edge: Edge, published: list[StoredSnapshot], how: str, said: str
) -> None:
    sent, body = altered(published[0].whole, how, edge)
    code, words = edge.add(sent, stdin=body)
    assert code == 1
    assert said in words
    assert "Traceback" not in words
    edge_again = Edge(edge.root)
    assert json.loads(edge_again.run(list_archive())[1]) == []
    assert not (edge.folder / "indeks.json").exists()


def test_what_is_killed_on_the_way_is_cleared_by_the_next(edge: Edge, published: list[StoredSnapshot]) -> None:
    text = edge.text(add_to_archive(published[0].whole.parcel, DAYS))
    argv = ["bash", "-c", text.replace("python3 -IS", "exec python3 -IS", 1)]
    body = published[0].whole.path.read_bytes()
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(body[: len(body) // 2])
        process.stdin.flush()
        while not list(edge.folder.glob(".*.half-made/utuh.tar.gz")):
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
    assert list(edge.folder.glob(".*.half-made"))
    assert edge.add(published[0].whole) == (0, "")
    assert edge.there() == {published[0].name}


def entry(day: int, made_of: int | None) -> dict[str, Any]:
    built = dt.datetime(2019, 4, 17, tzinfo=dt.UTC) + dt.timedelta(days=day)
    return {"nama": str(day), "dibuat": built.isoformat(), "perubahan_dari": None if made_of is None else str(made_of)}


counts = st.lists(st.tuples(st.integers(1, 10), st.booleans()), min_size=1, max_size=30)


@given(counts, st.integers(1, 60))
def test_of_whatever_is_kept_all_that_it_is_made_of_is_kept_too_and_nothing_else_that_is_old(
    count: list[tuple[int, bool]], days: int
) -> None:
    entries: list[dict[str, Any]] = []
    day = 0
    for pause, from_nothing in count:
        made_of = None if from_nothing or not entries else day
        day += pause
        entries.append(entry(day, made_of))
    found = kept(entries[::-1], days)
    there = {each["nama"] for each in found}
    made_of = {each["perubahan_dari"] for each in found} - {None}
    assert made_of <= there
    young = {each["nama"] for each in entries if day - int(each["nama"]) <= days}
    assert young <= there
    assert there - young <= made_of
    assert [int(each["nama"]) for each in found] == sorted(map(int, there), reverse=True)


def test_what_is_older_than_the_settings_say_goes_with_its_chain(edge: Edge, published: list[StoredSnapshot]) -> None:
    for sent in parcels(published):
        edge.add(sent)
    for number, name in enumerate(names(published)):  # as if ten days had passed between two of them
        path = edge.folder / name / "entri.json"
        said = json.loads(path.read_bytes())
        built = dt.datetime.fromisoformat(said["dibuat"]) - dt.timedelta(days=10 * (TICKS - number))
        made_of = None if number in {0, 2} else said["perubahan_dari"]
        path.write_text(json.dumps({**said, "dibuat": built.isoformat(), "perubahan_dari": made_of}))
    assert edge.add(published[0].whole, days=10) == (0, "")
    assert edge.listed() == names(published)[:1:-1]
    assert edge.there() == set(names(published)[2:])


def test_a_disk_without_room_is_said_and_left_as_it_is(edge: Edge, published: list[StoredSnapshot]) -> None:
    sent = published[0].whole
    huge = replace(sent, parcel=replace(sent.parcel, size_bytes=2**60))
    code, said = edge.add(huge)
    assert (code, "the disk is full" in said) == (1, True)


def archived(published: list[StoredSnapshot], *numbers: int) -> Mapping[str, None]:
    return dict.fromkeys(published[number].name for number in numbers)


def sent_names(published: list[StoredSnapshot], there: Mapping[str, None]) -> list[tuple[int, bool]]:
    found = lacking(published[-1], there.keys())
    return [(names(published).index(each.name), sent.parcel.made_of is not None) for each, sent in found]


def test_an_archive_gets_the_changes_that_it_lacks_also_those_that_it_missed(published: list[StoredSnapshot]) -> None:
    assert sent_names(published, archived(published, 0, 1, 2, 3)) == []
    assert sent_names(published, archived(published, 0, 1, 2)) == [(3, True)]
    assert sent_names(published, archived(published, 0)) == [(1, True), (2, True), (3, True)]
    assert sent_names(published, {}) == [(0, False), (1, True), (2, True), (3, True)]


def test_it_gets_all_of_a_snapshot_where_the_one_before_is_nowhere(
    published: list[StoredSnapshot], tmp_path: Path
) -> None:
    away = published[1].directory.rename(tmp_path / "away")
    try:
        found = lacking(StoredSnapshot(published[-1].name, published[-1].checkout), set())
        assert [(each.name, sent.parcel.made_of) for each, sent in found] == [
            (published[2].name, None),
            (published[3].name, published[2].name),
        ]
    finally:
        away.rename(published[1].directory)
