import base64
import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.pack import FORMAT, READS
from infra.bridge.errors import OperatorError
from infra.bridge.signers import PUBLIC_KEY, read_signers
from roles.artefacts import release as releases
from roles.artefacts import snapshot as snapshots
from roles.artefacts.files import Templates
from roles.artefacts.release import Release, build_release, kept_templates, unpack_templates
from roles.artefacts.snapshot import built_before, ensure_snapshot
from roles.stack.checkout import Checkout
from tests.stands.lab import PROJECT, SMALL


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout of its own, with this one's keys and dependencies."""
    shutil.copytree(PROJECT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".secrets", ".cache"):
        (PROJECT / name).mkdir(exist_ok=True)  # a new clone has none yet
        (tmp_path / name).symlink_to(PROJECT / name)
    return Checkout(tmp_path, "")


def test_the_same_content_gives_the_same_bytes_and_name(checkout: Checkout) -> None:
    first = build_release(checkout)
    body = first.path.read_bytes()
    shutil.rmtree(checkout.dist)
    again = build_release(checkout)
    assert (again.name, again.path.read_bytes()) == (first.name, body)


def test_a_changed_byte_or_version_gives_another_name(checkout: Checkout) -> None:
    names = {build_release(checkout).name, build_release(checkout, "1.0.1").name}
    style = checkout.project / "app/templates/style.css"
    style.write_text(style.read_text() + "\n")
    names.add(build_release(checkout).name)
    assert len(names) == 3


def test_it_holds_the_service_and_all_it_needs_and_nothing_native(checkout: Checkout) -> None:
    with tarfile.open(build_release(checkout).path) as archive:
        names = archive.getnames()
    packages = {name.split("/")[1] for name in names if name.startswith("lib/")}
    assert {"app", "starlette", "uvicorn", "h11", "anyio", "idna", "jinja2", "markupsafe", "click"} <= packages
    assert not [name for name in names if name.endswith((".so", ".pyc"))]
    assert "release.json" in names


def test_it_says_which_snapshots_it_reads(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FORMAT in READS
    signers = read_signers(PROJECT / ".secrets/release.pub")
    assert build_release(checkout).templates(signers).reads == READS
    monkeypatch.setattr(releases, "READS", (7, 8))
    assert build_release(checkout, "7.0.0").templates(signers).reads == (7, 8)


@pytest.mark.parametrize("version", ["../../x", "1 0", "-x", "1;reboot", "x" * 41])
def test_a_version_that_is_no_file_name_is_refused(checkout: Checkout, version: str) -> None:
    with pytest.raises(OperatorError, match="is no version"):
        build_release(checkout, version)


def test_a_missing_key_is_said(checkout: Checkout) -> None:
    (checkout.project / ".secrets").unlink()
    (checkout.project / ".secrets").mkdir()
    with pytest.raises(OperatorError, match=r"the release key release\.pub can't be read"):
        build_release(checkout)


def test_what_is_built_is_not_built_again(checkout: Checkout) -> None:
    first = build_release(checkout)
    was = first.path.stat()
    assert build_release(checkout) == first
    assert first.path.stat() == was


def spoil(body: bytes) -> bytes:
    return body[:-9] + b"\xff" + body[-8:]


def cut(_: bytes) -> bytes:
    return b""


@pytest.mark.parametrize(
    ("beside", "left"),
    [("", spoil), (".sha256", spoil), (".sha256", cut), (".sig", spoil), (".sig", cut)],
)
def test_what_is_built_and_no_longer_what_was_signed_is_built_anew(
    checkout: Checkout, beside: str, left: Callable[[bytes], bytes]
) -> None:
    path = build_release(checkout).path
    spoilt = path.with_name(path.name + beside)
    whole = spoilt.read_bytes()
    spoilt.write_bytes(left(whole))
    assert build_release(checkout).path.with_name(path.name + beside).read_bytes() == whole


def test_a_release_that_takes_anothers_name_is_built_anew(checkout: Checkout) -> None:
    release, other = build_release(checkout), build_release(checkout, "1.0.1")
    whole = release.path.read_bytes()
    for beside in ("", ".sha256", ".sig"):
        shutil.copy(other.path.with_name(other.path.name + beside), release.path.with_name(release.path.name + beside))
    assert build_release(checkout).path.read_bytes() == whole


def test_two_builds_at_once_both_succeed(tmp_path: Path) -> None:
    """The dependencies are kept in a cache that they share, which starts empty here."""
    checkouts = [Checkout(tmp_path / name, "") for name in "ab"]
    (tmp_path / "cache").mkdir()
    for checkout in checkouts:
        checkout.project.mkdir()
        for name in ("app", ".secrets"):
            (checkout.project / name).symlink_to(PROJECT / name)
        checkout.cache.symlink_to(tmp_path / "cache")
    with ThreadPoolExecutor() as threads:
        first, second = threads.map(build_release, checkouts)
    assert first.name == second.name
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_template_that_is_not_utf8_is_named_with_its_release() -> None:
    buffer, body = io.BytesIO(), "d\u00e9ux".encode("latin-1")
    with tarfile.open(fileobj=buffer, mode="w") as out:
        member = tarfile.TarInfo("config/lb/x.j2")
        member.size = len(body)
        out.addfile(member, io.BytesIO(body))
    buffer.seek(0)
    with (
        tarfile.open(fileobj=buffer) as packed,
        pytest.raises(OperatorError, match=r"config/lb/x\.j2 in release 1\.0\.0-abc is not UTF-8"),
    ):
        unpack_templates(packed, "1.0.0-abc")


def test_a_note_of_results_that_was_cut_vouches_for_nothing(checkout: Checkout) -> None:
    first = ensure_snapshot(checkout, PROJECT / SMALL, None)
    (note,) = checkout.dist.glob("source-*.json")
    assert built_before(checkout, PROJECT / SMALL, allow_errors=False) == first
    for left in (b"", b'{"name": "2019', b"[]", b"{}", b"\xff"):
        note.write_bytes(left)
        assert built_before(checkout, PROJECT / SMALL, allow_errors=False) is None
    again = ensure_snapshot(checkout, PROJECT / SMALL, None)
    assert again.facts is not None
    assert first.facts is not None
    assert again.facts.content == first.facts.content
    assert json.loads(note.read_bytes()) == {"name": again.name, "skipped": 0}


def printed_by_a_host(release: Release) -> str:
    files = (release.path, release.path.with_name(f"{release.path.name}.sig"))
    return "\n".join(base64.b64encode(file.read_bytes()).decode() for file in files)


def test_templates_that_a_host_keeps_are_those_that_were_signed(checkout: Checkout) -> None:
    shutil.copytree(PROJECT / "templates", checkout.project / "templates")
    release, signers = build_release(checkout), read_signers(PROJECT / PUBLIC_KEY)
    kept = kept_templates(release.name, printed_by_a_host(release), signers)
    assert kept == release.templates(signers)
    assert kept.texts == Templates.of_checkout().texts


def test_what_a_host_keeps_of_a_release_and_nobody_signed_is_refused(checkout: Checkout) -> None:
    release, other, signers = (
        build_release(checkout),
        build_release(checkout, "1.0.1"),
        read_signers(PROJECT / PUBLIC_KEY),
    )
    altered = bytearray(release.path.read_bytes())
    altered[len(altered) // 2] ^= 1
    _, signature = printed_by_a_host(release).split()
    with pytest.raises(OperatorError, match="has no valid signature"):
        kept_templates(release.name, f"{base64.b64encode(altered).decode()}\n{signature}\n", signers)
    with pytest.raises(OperatorError, match=f"is said to be release {release.name} is {other.name}"):
        kept_templates(release.name, printed_by_a_host(other), signers)
    with pytest.raises(OperatorError, match="is no archive"):
        kept_templates(release.name, "", signers)


def test_what_is_noted_of_a_source_is_of_the_one_that_was_read(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table is replaced between looking whether it was built before and building."""
    source, table = tmp_path / "source", tmp_path / "source/tps.csv.gz"
    shutil.copytree(PROJECT / SMALL, source)
    right = table.read_bytes()
    look = snapshots.source_digest

    def look_and_replace(directory: Path) -> str:
        found = look(directory)
        table.write_bytes(gzip.compress(gzip.decompress(right).replace(b",508,108,616,3,619,", b",8,608,616,3,619,")))
        return found

    monkeypatch.setattr(snapshots, "source_digest", look_and_replace)
    replaced = ensure_snapshot(checkout, source, None)
    monkeypatch.setattr(snapshots, "source_digest", look)
    assert ensure_snapshot(checkout, source, None) == replaced
    table.write_bytes(right)
    assert ensure_snapshot(checkout, source, None).name != replaced.name
