"""The program that takes a snapshot on a host, over a temporary root: whole, as changes, broken off, and what not."""

import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.loader.kept import MADE, sha256_of
from app.loader.pack_index import Index
from app.loader.packing import PackWriter, Previous
from app.pack import Pack
from roles.artefacts.archive import write_archive
from roles.artefacts.signing import sign
from roles.artefacts.snapshot import Sent, StoredSnapshot, ensure_snapshot
from roles.scripts import snapshots
from roles.scripts.quoting import Script
from roles.scripts.snapshots import Parcel
from roles.stack.checkout import Checkout
from tests.stands.lab import PROJECT
from tests.stands.packs import STAMP, table
from tests.stands.results import counted_again, source_of
from tests.stands.ssh_keys import make_key
from tests.thorough import examples

NAME = "20190417T000000Z-0000000000"
FIRST = {f"/{n}": b"x" * n * 40 for n in range(1, 60)}


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = tmp_path_factory.mktemp("keys") / "release"
    make_key(key)
    return key


@dataclass(frozen=True)
class Host:
    """A host's tree."""

    root: Path

    @property
    def snapshots(self) -> Path:
        return self.root / "srv/tegak/snapshots"

    def run(self, script: Script, stdin: bytes = b"") -> tuple[int, str]:
        argv = ["bash", "-c", script.text.replace("/srv/tegak", f"{self.root}/srv/tegak")]
        argv[-1] = argv[-1].replace("/etc/tegak", f"{self.root}/etc/tegak")
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False)
        return done.returncode, (done.stderr or done.stdout).decode().strip()

    def take(self, sent: Sent, stdin: bytes | None = None) -> tuple[int, str]:
        return self.run(snapshots.receive_snapshot(sent.parcel), sent.path.read_bytes() if stdin is None else stdin)

    def there(self) -> list[str]:
        return sorted(path.name for path in self.snapshots.iterdir())


def host_of(root: Path, key: Path) -> Host:
    host = Host(root)
    host.snapshots.mkdir(parents=True)
    (root / "etc/tegak").mkdir(parents=True)
    kind, text, *_ = key.with_suffix(".pub").read_text().split()
    (root / "etc/tegak/allowed_signers").write_text(f'release@tegak namespaces="tegak-snapshot" {kind} {text}\n')
    return host


@pytest.fixture
def host(tmp_path: Path, key: Path) -> Host:
    return host_of(tmp_path, key)


class Builder:
    """Builds snapshots of whatever documents, each of the one before."""

    def __init__(self, folder: Path, key: Path) -> None:
        self.folder, self.key, self.count = folder, key, 0
        self.previous: Previous | None = None

    def build(self, documents: Mapping[str, bytes | None], stamped: Mapping[str, bytes | None] | None = None) -> Path:
        self.count += 1
        name = f"{NAME}{self.count}"
        directory = self.folder / name
        directory.mkdir(parents=True)
        pack = PackWriter(directory, f"{STAMP}{self.count}", self.previous)
        pack.add(table(documents))
        pack.add(table(stamped or {}, stamped=True))
        pack.end(1_555_555_555 + self.count)
        files = {path.name: sha256_of(path) for path in directory.iterdir()}
        manifest = {"snapshot": name, "modified": 1_555_555_555 + self.count, "files": files}
        (directory / "snapshot.json").write_text(json.dumps(manifest))
        (directory / MADE).mkdir()
        if self.previous:
            changes = {"from": self.previous.name, **asdict(pack.changes)}
            (directory / MADE / "changes.json").write_text(json.dumps(changes))
        self.previous = Previous(name, directory, Index.read(directory))
        sign(directory / "snapshot.json", self.key, "tegak-snapshot")
        (directory / "snapshot.json.sha256").unlink()
        return directory


def parcel_of(path: Path, name: str, made_of: str | None = None) -> Sent:
    return Sent(path, Parcel(name, path.stat().st_size, sha256_of(path), 0, made_of))


def whole(directory: Path, names: list[str] | None = None) -> Sent:
    others = sorted(path.name for path in directory.iterdir() if path.is_file() and "snapshot" not in path.name)
    names = ["snapshot.json", "snapshot.json.sig", *others] if names is None else names
    path = directory.parent / f"{directory.name}.tar.gz"
    write_archive(path, [directory / name for name in names], effort=1)
    return parcel_of(path, directory.name)


def changes(directory: Path) -> Sent:
    said = json.loads((directory / MADE / "changes.json").read_bytes())
    segment = [directory / f"bodies-{said['segment']}"]
    files = [directory / name for name in ("snapshot.json", "snapshot.json.sig", "stamp")]
    path = directory.parent / f"{directory.name}.changes.tar.gz"
    write_archive(path, [*files, *(s for s in segment if s.exists()), directory / MADE / "changes.json"], effort=6)
    return parcel_of(path, directory.name, said["from"])


def same_files(one: Path, other: Path) -> bool:
    names = {path.name for path in one.iterdir() if path.is_file()}
    there = {path.name for path in other.iterdir()} - {".complete"}
    return names == there and all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


BODY = st.one_of(st.none(), st.text("ab{", min_size=1, max_size=20), st.sampled_from(["a" * 1400, "b" * 1450]))
DOCUMENTS = st.dictionaries(
    st.sampled_from([f"/{n}" for n in range(20)]), BODY.map(lambda t: None if t is None else t.encode()), max_size=8
)


@examples(25)
@given(st.lists(st.tuples(DOCUMENTS, DOCUMENTS), min_size=1, max_size=4))
def test_what_a_host_makes_of_changes_is_what_was_built_to_the_last_byte(
    ticks: list[tuple[dict[str, bytes | None], dict[str, bytes | None]]],
) -> None:
    with tempfile.TemporaryDirectory() as text:
        key = Path(text) / "key"
        make_key(key)
        host, builder = host_of(Path(text) / "host", key), Builder(Path(text) / "dist", key)
        first = builder.build({"/first": b"1", "/other": b"x" * 1500}, {"/stamped": b"2"})
        assert host.take(whole(first)) == (0, "")
        assert same_files(first, host.snapshots / first.name)
        for plain, others in ticks:
            built = builder.build(plain, {f"/s{address}": body for address, body in others.items()})
            assert host.take(changes(built)) == (0, "")
            assert same_files(built, host.snapshots / built.name)
            pack = Pack(host.snapshots / built.name)
            assert {address: pack.read(address) for address in plain} == plain


def test_the_results_of_two_publications_reach_a_host_whole_and_as_changes(host: Host, tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "checkout", "")
    shutil.copytree(PROJECT / "app", checkout.project / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (checkout.project / ".secrets").symlink_to(PROJECT / ".secrets")
    (host.root / "etc/tegak/allowed_signers").write_text(
        f"release@tegak {(PROJECT / '.secrets/release.pub').read_text()}"
    )
    first = ensure_snapshot(checkout, source_of(tmp_path / "first"), None)
    second = ensure_snapshot(checkout, source_of(tmp_path / "source", stations=counted_again), None, shown=first.facts)
    assert (first.made_of, second.made_of) == (None, first.name)
    assert host.take(first.whole) == (0, "")
    assert host.take(second.changes) == (0, "")
    assert same_files(second.directory, host.snapshots / second.name)
    assert second.changes.parcel.size_bytes < first.whole.parcel.size_bytes / 5
    shutil.rmtree(host.snapshots / second.name)
    assert host.take(second.whole) == (0, "")
    assert same_files(second.directory, host.snapshots / second.name)
    assert host.take(second.whole, b"whatever") == (0, "")  # it has it


def test_a_whole_snapshot_that_broke_off_goes_on_where_it_did(host: Host, tmp_path: Path, key: Path) -> None:
    sent = whole(Builder(tmp_path / "dist", key).build(FIRST))
    half = sent.parcel.size_bytes // 2
    assert host.run(snapshots.arrived(sent.parcel)) == (0, "0")
    code, said = host.take(sent, sent.path.read_bytes()[:half])
    assert code == 1
    assert (
        said
        == f"{half} of {sent.parcel.size_bytes} bytes of {sent.parcel.name} arrived; the next time goes on from there"
    )
    assert host.run(snapshots.arrived(sent.parcel)) == (0, str(half))
    assert host.take(sent, sent.path.read_bytes()[half:]) == (0, "")
    assert host.there() == [sent.parcel.name]
    assert list((host.root / "srv/tegak/incoming").iterdir()) == []


def test_who_sends_all_of_it_at_once_begins_anew(host: Host, tmp_path: Path, key: Path) -> None:
    sent = whole(Builder(tmp_path / "dist", key).build(FIRST))
    host.take(sent, sent.path.read_bytes()[:9])
    assert host.run(snapshots.receive_snapshot(sent.parcel, goes_on=False), sent.path.read_bytes()) == (0, "")


@pytest.mark.parametrize("more", [b"", b"x"])
def test_what_arrived_altered_is_refused_and_not_kept(host: Host, tmp_path: Path, key: Path, more: bytes) -> None:
    sent = whole(Builder(tmp_path / "dist", key).build(FIRST))
    body = bytearray(sent.path.read_bytes())
    body[99] ^= 0 if more else 1
    assert host.take(sent, bytes(body) + more) == (1, f"{sent.parcel.name} arrived with another sha256")
    assert (host.there(), host.run(snapshots.arrived(sent.parcel))) == ([], (0, "0"))


def flip(path: Path) -> None:
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.write_bytes(text)


FILES = ("bodies-0", "keys", "places", "digests", "times", "stamp")
SPOILT = {
    **{name: (name, f"did not arrive as it was signed: {name}") for name in FILES},
    "manifest": ("snapshot.json", "has no valid signature of release@tegak"),
    "signature": ("snapshot.json.sig", "has no valid signature of release@tegak"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_is_not_as_it_was_signed_is_refused(host: Host, tmp_path: Path, key: Path, what: str) -> None:
    built = Builder(tmp_path / "dist", key).build(FIRST)
    name, words = SPOILT[what]
    flip(built / name)
    code, said = host.take(whole(built))
    assert (code, host.there()) == (1, [])
    assert words in said


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            ["snapshot.json.sig", "snapshot.json", "keys"],
            "arrived with snapshot.json.sig, which is no file of a snapshot",
        ),
        (["snapshot.json", "snapshot.json.sig", "keys"], "did not arrive as it was signed: bodies-0, digests"),
        (["snapshot.json", "snapshot.json.sig", "keys", "keys"], "File exists"),
        (["snapshot.json"], "arrived without its manifest"),
        ([], "arrived without its manifest"),
    ],
)
def test_what_is_not_all_of_a_snapshot_is_refused(
    host: Host, tmp_path: Path, key: Path, names: list[str], words: str
) -> None:
    code, said = host.take(whole(Builder(tmp_path / "dist", key).build(FIRST), names))
    assert (code, host.there()) == (1, [])
    assert words in said


@pytest.mark.parametrize("name", ["../../../evil", "/evil", ".complete", "bodies-1000", "snapshot.json.sig/x"])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE])
def test_nothing_is_written_but_files_of_a_snapshot(
    host: Host, tmp_path: Path, key: Path, name: str, kind: bytes
) -> None:
    built = Builder(tmp_path / "dist", key).build(FIRST)
    path = tmp_path / "evil.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for own in ("snapshot.json", "snapshot.json.sig"):
            archive.add(built / own, own)
        member = tarfile.TarInfo(name)
        member.type, member.size, member.linkname = kind, 4 if kind == tarfile.REGTYPE else 0, "/etc/passwd"
        archive.addfile(member, io.BytesIO(b"evil"))
    code, said = host.take(parcel_of(path, built.name))
    assert (code, host.there()) == (1, [])
    assert "which is no file of a snapshot" in said
    assert not list(tmp_path.rglob("evil"))


def test_another_snapshots_name_is_refused(host: Host, tmp_path: Path, key: Path) -> None:
    sent = whole(Builder(tmp_path / "dist", key).build(FIRST))
    renamed = replace(sent, parcel=replace(sent.parcel, name="20200101T000000Z-0000000000"))
    assert host.take(renamed)[1] == f"what arrived is {sent.parcel.name}, not 20200101T000000Z-0000000000"


def test_changes_of_what_a_host_has_not_are_refused(host: Host, tmp_path: Path, key: Path) -> None:
    builder = Builder(tmp_path / "dist", key)
    first, second = builder.build(FIRST), builder.build({"/1": b"other"})
    assert host.take(changes(second)) == (1, f"{second.name} was made of {first.name}, which this host has not")
    assert host.there() == []


@pytest.mark.parametrize("what", ["keys", "places", "digests", "times"])
def test_changes_of_what_was_altered_on_the_host_are_refused(host: Host, tmp_path: Path, key: Path, what: str) -> None:
    builder = Builder(tmp_path / "dist", key)
    first, second = builder.build(FIRST), builder.build({"/1": b"other", "/61": b"new"})
    host.take(whole(first))
    flip(host.snapshots / first.name / what)
    code, said = host.take(changes(second))
    assert (code, host.there()) == (1, [first.name])
    assert f"did not arrive as it was signed: {what}" in said


@pytest.mark.parametrize("text", [b"{}", b"[", b'{"from": 1}', b"\xff"])
def test_changes_that_say_something_else_are_refused(host: Host, tmp_path: Path, key: Path, text: bytes) -> None:
    builder = Builder(tmp_path / "dist", key)
    host.take(whole(builder.build(FIRST)))
    second = builder.build({"/1": b"other"})
    sent = changes(second)
    (second / MADE / "changes.json").write_bytes(text)
    write_archive(
        sent.path, [second / "snapshot.json", second / "snapshot.json.sig", second / MADE / "changes.json"], effort=1
    )
    code, said = host.take(sent)
    assert code == 1
    assert said.startswith(f"{second.name} ")
    assert "Traceback" not in said


def test_a_full_disk_is_said_before_anything_is_written(host: Host, tmp_path: Path, key: Path) -> None:
    sent = whole(Builder(tmp_path / "dist", key).build(FIRST))
    large = replace(sent, parcel=replace(sent.parcel, needs_bytes=2**60))
    assert host.take(large) == (1, f"the disk is full: {sent.parcel.name} needs {2**40} MiB")
    assert host.there() == []


def test_one_that_was_killed_while_it_took_a_snapshot_stands_in_nobodys_way(
    host: Host, tmp_path: Path, key: Path
) -> None:
    sent = whole(Builder(tmp_path / "dist", key).build(FIRST))
    text = snapshots.receive_snapshot(sent.parcel).text.replace("/srv/tegak", f"{host.root}/srv/tegak")
    with subprocess.Popen(["bash", "-c", text], stdin=subprocess.PIPE, start_new_session=True) as dying:
        assert dying.stdin
        dying.stdin.write(sent.path.read_bytes()[:40])
        dying.stdin.flush()
        folder = host.snapshots / f"{sent.parcel.name}.half-made"
        while not folder.exists():
            pass
        os.killpg(dying.pid, signal.SIGKILL)
    assert folder.exists()
    (folder / "keys").write_bytes(b"half")
    rest = sent.path.read_bytes()[int(host.run(snapshots.arrived(sent.parcel))[1]) :]
    assert host.take(sent, rest) == (0, "")
    assert host.there() == [sent.parcel.name]


def test_what_is_not_kept_goes_with_what_did_not_arrive(host: Host, tmp_path: Path, key: Path) -> None:
    builder = Builder(tmp_path / "dist", key)
    first, second = builder.build(FIRST), builder.build({"/1": b"other"})
    for sent in (whole(first), changes(second)):
        host.take(sent)
    third = whole(builder.build({"/2": b"more"}))
    host.take(third, third.path.read_bytes()[:9])
    (host.snapshots / "x.half-made").mkdir()
    assert host.run(snapshots.keep_snapshots((second.name,))) == (0, "")
    assert (host.there(), list((host.root / "srv/tegak/incoming").iterdir())) == ([second.name], [])
    assert Pack(host.snapshots / second.name).read("/2") == FIRST["/2"]


def test_what_only_the_bucket_had_is_sent_whole(tmp_path: Path) -> None:
    snapshot = StoredSnapshot(NAME, Checkout(tmp_path, ""))
    assert (snapshot.is_built, snapshot.made_of, snapshot.facts) == (False, None, None)
