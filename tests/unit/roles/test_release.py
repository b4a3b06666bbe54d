import io
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from roles.artefacts.release import build_release, unpack_templates
from roles.artefacts.snapshot import ensure_snapshot
from roles.stack.checkout import Checkout
from tests.lab import PROJECT, SMALL


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


@pytest.mark.parametrize("version", ["../../x", "1 0", "-x", "1;reboot", "x" * 41])
def test_a_version_that_is_no_file_name_is_refused(checkout: Checkout, version: str) -> None:
    with pytest.raises(OperatorError, match="is no version"):
        build_release(checkout, version)


def test_a_missing_key_is_said(checkout: Checkout) -> None:
    (checkout.project / ".secrets").unlink()
    (checkout.project / ".secrets").mkdir()
    with pytest.raises(OperatorError, match="the key release that signs is missing"):
        build_release(checkout)


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


@pytest.mark.parametrize("cut", [b"", b'{"name": "2019', b"[]", b"{}", b"\xff"])
def test_a_note_of_results_that_was_cut_vouches_for_nothing(checkout: Checkout, cut: bytes) -> None:
    first = ensure_snapshot(checkout, PROJECT / SMALL, None)
    (note,) = checkout.dist.glob("source-*.json")
    whole = note.read_bytes()
    note.write_bytes(cut)
    assert ensure_snapshot(checkout, PROJECT / SMALL, None) == first
    assert note.read_bytes() == whole
