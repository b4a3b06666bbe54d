"""A host's own check of its results: whatever is altered is said, and nothing is where nothing was."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.check import CheckSettings, altered, check
from app.loader.build import BuiltSnapshot
from app.loader.kept import sha256_of
from app.service import Service, ServiceSettings
from roles.artefacts.signing import sign
from tests.stands.lab import PROJECT
from tests.stands.packs import unpack_snapshot
from tests.stands.ssh_keys import make_key

FILES = ("bodies-0", "keys", "places", "digests", "times", "stamp")
Alter = Callable[[Path], object]


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = tmp_path_factory.mktemp("keys") / "release"
    make_key(key)
    return key


@pytest.fixture
def settings(built: BuiltSnapshot, key: Path, tmp_path: Path) -> CheckSettings:
    """A host that has just received a snapshot."""
    directory = unpack_snapshot(built, tmp_path)
    sign(directory / "snapshot.json", key, "tegak-snapshot")
    kind, text, *_ = key.with_suffix(".pub").read_text().split()
    (tmp_path / "signers").write_text(f'release@tegak namespaces="tegak-release,tegak-snapshot" {kind} {text}\n')
    (tmp_path / "current").symlink_to(directory)
    return CheckSettings(tmp_path / "current", tmp_path / "signers", tmp_path / "altered")


def flip_a_bit(path: Path) -> None:
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.write_bytes(text)


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


def sign_another(directory: Path) -> None:
    """Everything is altered together, and signed by somebody else."""
    other = directory.parent / "other"
    make_key(other)
    flip_a_bit(directory / "bodies-0")
    manifest = json.loads((directory / "snapshot.json").read_bytes())
    manifest["files"]["bodies-0"] = sha256_of(directory / "bodies-0")
    (directory / "snapshot.json").write_text(json.dumps(manifest))
    sign(directory / "snapshot.json", other, "tegak-snapshot")


ALTERATIONS: dict[str, tuple[Alter, str]] = {
    **{
        name: (lambda directory, name=name: flip_a_bit(directory / name), f"{name} is not as it was signed")
        for name in FILES
    },
    "longer": (lambda directory: lengthen(directory / "bodies-0"), "bodies-0 is not as it was signed"),
    "gone": (lambda directory: (directory / "keys").unlink(), "keys can't be read (No such file or directory)"),
    "manifest": (lambda directory: flip_a_bit(directory / "snapshot.json"), "no valid signature of release@tegak"),
    "signature": (lambda directory: flip_a_bit(directory / "snapshot.json.sig"), "no valid signature of release@tegak"),
    "no signature": (
        lambda directory: (directory / "snapshot.json.sig").unlink(),
        "no valid signature of release@tegak",
    ),
    "no manifest": (lambda directory: (directory / "snapshot.json").unlink(), "snapshot.json can't be read"),
    "signed by another": (sign_another, "no valid signature of release@tegak"),
}


def test_what_was_received_is_as_it_was_signed(settings: CheckSettings) -> None:
    assert check(settings) is None
    assert not settings.mark.exists()


@pytest.mark.parametrize("what", ALTERATIONS)
def test_whatever_is_altered_is_said(settings: CheckSettings, what: str) -> None:
    alter, sentence = ALTERATIONS[what]
    directory = settings.snapshot_dir.resolve()
    alter(directory)
    assert sentence in str(check(settings))
    assert sentence in str(altered(settings.mark, directory.name))


def test_another_snapshots_signed_manifest_says_nothing_of_this_one(settings: CheckSettings) -> None:
    other = settings.snapshot_dir.resolve().rename(settings.mark.with_name("20190601T024536Z-0000000000"))
    settings.snapshot_dir.unlink()
    settings.snapshot_dir.symlink_to(other)
    assert "snapshot.json is that of 20190601T024536Z-" in str(check(settings))


def test_without_results_there_is_nothing_to_say(settings: CheckSettings) -> None:
    settings.mark.write_text("x: y")
    settings.snapshot_dir.unlink()
    assert check(settings) is None
    assert not settings.mark.exists()


def test_a_host_with_altered_results_is_not_ready_until_they_are_right_again(
    settings: CheckSettings, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    release.mkdir()
    (release / "release.json").write_text('{"release":"1.0.0-0123456789"}')
    (release / ".complete").touch()
    service = Service(ServiceSettings("a", "b", release, settings.snapshot_dir, settings.mark))
    client = TestClient(service.application(), raise_server_exceptions=False)
    bodies = settings.snapshot_dir / "bodies-0"
    assert client.get("/healthz").status_code == 200
    flip_a_bit(bodies)
    check(settings)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "altered results: bodies-0 is not as it was signed"})
    flip_a_bit(bodies)
    check(settings)
    assert client.get("/healthz").status_code == 200


def test_a_mark_of_another_snapshot_says_nothing_of_this_one(tmp_path: Path) -> None:
    (tmp_path / "altered").write_text("one: keys is not as it was signed")
    assert altered(tmp_path / "altered", "one") == "keys is not as it was signed"
    assert altered(tmp_path / "altered", "two") is None
    (tmp_path / "altered").write_bytes(b"")
    assert altered(tmp_path / "altered", "one") is None


@pytest.mark.parametrize("wrong", [False, True])
def test_as_a_program_it_says_what_it_found_and_fails(settings: CheckSettings, *, wrong: bool) -> None:
    if wrong:
        flip_a_bit(settings.snapshot_dir / "times")
    place = {"TEGAK_SNAPSHOT_DIR": str(settings.snapshot_dir), "TEGAK_SIGNERS": str(settings.signers)}
    environment = {**os.environ, **place, "TEGAK_ALTERED": str(settings.mark)}
    done = subprocess.run(
        [sys.executable, "-m", "app.check"], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, bool(done.stderr)) == (int(wrong), wrong)
    assert ("times is not as it was signed" in done.stderr) is wrong


@pytest.mark.parametrize(
    "goes",
    [
        "rm -rf {current}",
        "cp -r {current} {next}; ln -sfn {next} {link}; printf x >> {current}/bodies-0",
    ],
    ids=["set aside", "another one came"],
)
def test_results_that_go_while_they_are_looked_at_are_not_called_altered(
    settings: CheckSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, goes: str
) -> None:
    current = settings.snapshot_dir.resolve()
    command = goes.format(current=current, next=current.with_name("next"), link=settings.snapshot_dir)
    # Once the signature is known to be right, and before the first file is read.
    verifier = tmp_path / "bin/ssh-keygen"
    verifier.parent.mkdir()
    verifier.write_text(f'#!/bin/sh\n{shutil.which("ssh-keygen")} "$@" || exit 1\n{command}\n')
    verifier.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    assert check(settings) is None
    assert not settings.mark.exists()
