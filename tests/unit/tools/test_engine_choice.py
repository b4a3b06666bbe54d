"""Which engine a checkout gets."""

import subprocess
from pathlib import Path

import pytest

from tools.engine import build
from tools.engine.build import DOWNLOADS, OFFICIAL, VERSION, download, find
from tools.setup import ensure_secrets


def put_executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_an_official_engine_of_the_right_version_is_taken(tmp_path: Path) -> None:
    official = put_executable(tmp_path / "bin/pulumi", f"echo v{VERSION}")
    put_executable(tmp_path / "bin/pulumi-language-python", "")
    assert find(str(tmp_path / "bin"), tmp_path / "cache") == official


@pytest.mark.parametrize(("version", "with_language_host"), [("v3.100.0", True), (f"v{VERSION}", False)])
def test_an_engine_of_another_version_or_without_its_language_host_is_not(
    tmp_path: Path, version: str, *, with_language_host: bool
) -> None:
    put_executable(tmp_path / "bin/pulumi", f"echo {version}")
    if with_language_host:
        put_executable(tmp_path / "bin/pulumi-language-python", "")
    assert find(str(tmp_path / "bin"), tmp_path / "cache") is None
    built = put_executable(tmp_path / "cache/pulumi", "")
    assert find(str(tmp_path / "bin"), tmp_path / "cache") == built


def test_a_downloaded_engine_goes_before_a_built_one(tmp_path: Path) -> None:
    put_executable(tmp_path / "cache/pulumi", "")
    official = put_executable(tmp_path / "cache" / OFFICIAL, "")
    assert find("", tmp_path / "cache") == official


def test_where_downloads_are_closed_there_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: tuple[str, int], **_: float) -> None:
        assert address == DOWNLOADS
        raise OSError

    monkeypatch.setattr("socket.create_connection", refuse)
    assert download(tmp_path) is None


@pytest.mark.parametrize("folder", ["a b", "zür", "o'neil (2)"])
def test_the_wrapper_finds_its_checkout_and_its_engine_whatever_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setattr(build, "PROJECT", tmp_path / folder)
    engine = put_executable(
        tmp_path / folder / "engine/pulumi", 'echo "$TEGAK_PROJECT $PULUMI_CONFIG_PASSPHRASE_FILE $@"'
    )
    build.install_wrappers(engine, tmp_path / "cache")
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    wrapper = tmp_path / folder / ".venv/bin/pulumi"
    said = subprocess.check_output([wrapper, "up", "a b"], cwd="/", text=True, encoding="utf-8")
    assert said == f"{tmp_path / folder} {tmp_path / folder}/.secrets/passphrase up a b\n"


def test_secrets_are_private_and_never_overwritten(tmp_path: Path) -> None:
    ensure_secrets(tmp_path)
    directory = tmp_path / ".secrets"
    first = {path.name: path.read_bytes() for path in directory.iterdir()}
    assert set(first) == {"passphrase", "operator", "operator.pub", "release", "release.pub"}
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {name: (directory / name).stat().st_mode & 0o077 for name in ("passphrase", "operator", "release")} == {
        "passphrase": 0,
        "operator": 0,
        "release": 0,
    }
    ensure_secrets(tmp_path)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == first

    (directory / "operator.pub").unlink()
    ensure_secrets(tmp_path)
    assert (directory / "operator.pub").read_bytes() == first["operator.pub"]
