"""Which engine a checkout gets."""

import socket
import subprocess
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from tools.engine import build, source
from tools.engine.build import DOWNLOADS, OFFICIAL, VERSION, built_engine, download, find
from tools.progress import Board
from tools.setup import ensure_secrets


def put_executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def never() -> None:
    raise AssertionError


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
    built = put_executable(built_engine(tmp_path / "cache"), "")
    assert find(str(tmp_path / "bin"), tmp_path / "cache") == built


def test_a_downloaded_engine_goes_before_a_built_one(tmp_path: Path) -> None:
    put_executable(built_engine(tmp_path / "cache"), "")
    official = put_executable(tmp_path / "cache" / OFFICIAL, "")
    assert find("", tmp_path / "cache") == official


def test_an_engine_that_was_built_of_something_else_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_executable(built_engine(tmp_path), "")
    put_executable(tmp_path / "pulumi", "")
    monkeypatch.setattr(build, "GO_FLAGS", ("-race",))
    assert find("", tmp_path) is None


def test_where_downloads_are_closed_nothing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: tuple[str, int], **_: float) -> None:
        assert address == DOWNLOADS
        raise OSError

    monkeypatch.setattr("socket.create_connection", refuse)
    assert download(tmp_path, Board(), never) is None


def test_a_download_waits_for_the_environment_that_knows_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def environment() -> None:
        raise OperatorError("no environment")

    with socket.create_server(("127.0.0.1", 0)) as open_to_all:
        monkeypatch.setattr(build, "DOWNLOADS", open_to_all.getsockname())
        with pytest.raises(OperatorError, match="no environment"):
            download(tmp_path, Board(), environment)


def test_an_engine_without_go_is_refused_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError, match="nor Go to build it with is on PATH") as error:
        build.build(tmp_path / "cache", Board())
    assert "Go 1.24" in str(error.value.next_command)
    assert not (tmp_path / "cache").exists()


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An upstream of no modules, and a place for a `go` that pretends to build it."""

    def no_modules(_: source.Go) -> dict[str, list[str]]:
        return {}

    def assemble(tree: Path, _: source.Go) -> None:
        tree.mkdir()

    monkeypatch.setattr(source, "assemble", assemble)
    monkeypatch.setattr(source, "modules_in_part", no_modules)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def test_a_build_that_fails_leaves_nothing_half_made(upstream: Path) -> None:
    put_executable(upstream / "bin/go", "[ $1 = mod ] || { echo no space >&2; exit 1; }")
    with pytest.raises(OperatorError, match=r"building pulumi, .*: no space"):
        build.build(upstream / "cache", Board())
    assert list((upstream / "cache").iterdir()) == []


def test_a_built_engine_is_kept_with_what_it_brings_along(upstream: Path) -> None:
    for file in (build.RUNNER, build.DYNAMIC_PROVIDER):
        put_executable(upstream / "sdk" / file, "")
    compile_it = 'while [ "$1" != -o ]; do shift; done; install -D "$0" "$2"'
    go = f'case "$1 $2" in "list -m") echo {upstream}/sdk;; "build -v") {compile_it};; esac'
    put_executable(upstream / "bin/go", go)
    engine = build.build(upstream / "cache", Board())
    assert engine == built_engine(upstream / "cache")
    names = {"pulumi", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"}
    assert {file.name for file in engine.parent.iterdir()} == names
    assert [entry.name for entry in (upstream / "cache").iterdir()] == [engine.parent.name]
    assert build.build(upstream / "cache", Board()) == engine


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
