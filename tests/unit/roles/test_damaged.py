"""A file of a publication with another bit, or cut: in dist/ or on its way, it is refused, and healed."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.loader.kept import MADE
from infra.bridge.errors import OperatorError
from roles.artefacts.snapshot import Sent, StoredSnapshot, ensure_snapshot
from roles.scripts.snapshots import arrived
from roles.stack.checkout import Checkout
from tests.stands.lab import PROJECT
from tests.stands.results import counted_again, source_of
from tests.thorough import examples
from tests.unit.roles.test_receive import Host, host_of, same_files

pytestmark = pytest.mark.thorough


WHOLE, CHANGES = "whole", "changes"
SIGNED = ("snapshot.json", "snapshot.json.sig", "bodies-0", "bodies-1", "keys", "places", "digests", "times", "stamp")
KEPT = ("state.json", "stations.arrow", "regions.arrow", "changes.json", "changes.json.sha256", "changes.tar.gz")
ARCHIVE = ("tegak-snapshot-{}.tar.gz", "tegak-snapshot-{}.tar.gz.sig", "tegak-snapshot-{}.tar.gz.sha256")
OF_DIST = (*SIGNED, *(f"{MADE}/{name}" for name in (*KEPT, *ARCHIVE)))

CUT = ("snapshot.json", "bodies-1", f"{MADE}/changes.json", f"{MADE}/{ARCHIVE[0]}")


def spoilt(body: bytes, at: int, *, cut: bool) -> bytes:
    """With another bit somewhere, or without its end."""
    where = at % len(body)
    return body[:where] if cut else body[:where] + bytes([body[where] ^ 1 << at % 8]) + body[where + 1 :]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that has built two snapshots, the second of the first, and what each was sent as; their sources."""
    root = tmp_path_factory.mktemp("published")
    checkout = Checkout(root / "checkout", "")
    shutil.copytree(PROJECT / "app", checkout.project / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (checkout.project / ".secrets").symlink_to(PROJECT / ".secrets")
    first = ensure_snapshot(checkout, source_of(root / "first"), None)
    second = ensure_snapshot(checkout, source_of(root / "second", stations=counted_again), None, shown=first.facts)
    assert second.made_of == first.name
    (root / "names").write_text(f"{first.name} {second.name}")
    for each in (first.whole, second.whole, second.changes):
        assert each.path.exists()
    return root


def pair(published: Path, checkout: Path | None = None) -> tuple[StoredSnapshot, StoredSnapshot]:
    """Both snapshots, in the checkout or in a copy of it."""
    first, second = (published / "names").read_text().split()
    place = Checkout(checkout or published / "checkout", "")
    return StoredSnapshot(first, place), StoredSnapshot(second, place)


def host_with(first: StoredSnapshot, root: Path, how: str) -> Host:
    """A host that takes changes, since it has the first one; or that has nothing."""
    host = host_of(root, PROJECT / ".secrets/release")
    if how == CHANGES:
        assert host.take(first.whole) == (0, "")
    return host


def sent_as(snapshot: StoredSnapshot, host: Host) -> Sent:
    return snapshot.changes if snapshot.made_of in host.there() else snapshot.whole


@pytest.mark.parametrize("how", [WHOLE, CHANGES])
@examples(10)
@given(at=st.integers(0, 2**30), cut=st.booleans())
def test_what_was_altered_on_its_way_is_refused_or_what_it_was(
    published: Path, how: str, at: int, *, cut: bool
) -> None:
    first, second = pair(published)
    with tempfile.TemporaryDirectory() as text:
        host = host_with(first, Path(text), how)
        before, sent = host.there(), sent_as(second, host)
        body = sent.path.read_bytes()
        code, said = host.take(sent, spoilt(body, at, cut=cut))
        if code == 0:  # a bit that says nothing: the date in gzip's frame, what fills a block of tar
            assert not cut
            assert how == CHANGES
        else:
            assert second.name in said
            assert "Traceback" not in said
            assert host.there() == before
            begins = int(host.run(arrived(sent.parcel))[1]) if how == WHOLE else 0
            assert host.take(sent, body[begins:]) == (0, "")
        assert same_files(second.directory, host.snapshots / second.name)


@pytest.mark.parametrize(("name", "cut"), [*((name, False) for name in OF_DIST), *((name, True) for name in CUT)])
def test_what_was_altered_in_dist_is_never_shown_and_the_publication_after_it_heals(
    published: Path, tmp_path: Path, name: str, *, cut: bool
) -> None:
    subprocess.run(["cp", "-a", published / "checkout", tmp_path / "checkout"], check=True)
    first, second = pair(published, tmp_path / "checkout")
    shown, hosts = first.facts, [host_with(first, tmp_path / how, how) for how in (CHANGES, WHOLE)]
    (file,) = second.directory.glob(name.format(second.name))
    file.write_bytes(spoilt(file.read_bytes(), file.stat().st_size // 2 * 8 + 3, cut=cut))

    def publish() -> StoredSnapshot:
        snapshot = ensure_snapshot(first.checkout, published / "second", None, shown=shown)
        for host, sent in [(host, sent_as(snapshot, host)) for host in hosts]:
            assert host.take(sent) == (0, "")
        return snapshot

    before = [host.there() for host in hosts]
    try:
        snapshot = publish()
    except OperatorError as error:
        # Of the manifest and its signature nobody can say which one it is.
        words = f"{file.name.removesuffix('.sig')} of {second.name} in dist/ is not as it was signed"
        assert words in error.message  # noqa: PT017  # it may heal at once
        assert [host.there() for host in hosts] == before
        snapshot = publish()
    wanted = pair(published)[1] if snapshot.name == second.name else snapshot
    for host in hosts:
        assert same_files(wanted.directory, host.snapshots / snapshot.name)
    assert list((tmp_path / "checkout/dist/snapshots").glob(".*")) == []
