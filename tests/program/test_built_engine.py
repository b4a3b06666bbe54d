"""What the engine that is built here can do, and what it says of the rest."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from roles.aws.clients import client
from tests.stands.cloud import REGION, cloud
from tests.stands.lab import PROJECT
from tools.engine.build import VERSION, built_engine, cache_folder

ENGINE = built_engine(cache_folder())
pytestmark = pytest.mark.skipif(not ENGINE.exists(), reason="this machine has the official engine")

INSTEAD = f"is left out of the engine that tegak builds; install the official Pulumi CLI {VERSION} and type make engine"


def ask(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Ask the built engine in a project of its own, of which the state is a folder unless the environment says more."""
    (directory / "state").mkdir(exist_ok=True)
    (directory / "Pulumi.yaml").write_text("name: uji\nruntime: python\n", encoding="utf-8")
    own = {
        "PULUMI_HOME": str(directory / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "uji",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "TEGAK_PROJECT": str(PROJECT),
    }
    environment = {"PULUMI_BACKEND_URL": f"file://{directory / 'state'}", **os.environ, **own}
    argv = [str(ENGINE), "--non-interactive", *words]
    return subprocess.run(argv, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def test_it_says_its_version(tmp_path: Path) -> None:
    assert ask(tmp_path, "version").stdout.strip() == VERSION


@pytest.mark.parametrize("words", [("policy", "ls", "--json"), ("neo",), ("do", "aws:s3:Bucket", "list")])
def test_a_command_that_was_left_out_says_what_to_install(tmp_path: Path, words: tuple[str, ...]) -> None:
    asked = ask(tmp_path, *words)
    assert (asked.returncode, asked.stderr) == (1, f"error: 'pulumi {words[0]}' {INSTEAD}\n")


@pytest.mark.parametrize("scheme", ["gs", "azblob", "postgres"])
def test_a_state_that_was_left_out_says_what_to_install(tmp_path: Path, scheme: str) -> None:
    asked = ask(tmp_path, "login", f"{scheme}://uji")
    assert asked.returncode == 1
    assert f"{scheme}:// {INSTEAD}" in asked.stderr


@pytest.mark.parametrize("scheme", ["azurekeyvault", "gcpkms", "hashivault"])
def test_a_secrets_provider_that_was_left_out_says_what_to_install(tmp_path: Path, scheme: str) -> None:
    asked = ask(tmp_path, "stack", "init", "uji", "--secrets-provider", f"{scheme}://uji")
    assert asked.returncode == 1
    assert f"{scheme}:// {INSTEAD}" in asked.stderr


def test_a_state_in_s3_with_a_key_of_kms_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with cloud():
        s3 = client("s3", REGION)
        s3.create_bucket(Bucket="uji", CreateBucketConfiguration={"LocationConstraint": REGION})
        key = client("kms", REGION).create_key()["KeyMetadata"]["KeyId"]
        monkeypatch.setenv("PULUMI_BACKEND_URL", f"s3://uji?region={REGION}&use_path_style=true")
        made = ask(tmp_path, "stack", "init", "uji", "--secrets-provider", f"awskms://{key}?region={REGION}")
        assert made.returncode == 0, made.stderr
        assert ask(tmp_path, "config", "set", "--secret", "uji:word", "a secret", "-s", "uji").returncode == 0
        assert ask(tmp_path, "config", "get", "uji:word", "-s", "uji").stdout == "a secret\n"
        assert not re.search("a secret", (tmp_path / "Pulumi.uji.yaml").read_text())
        stored = [entry["Key"] for entry in s3.list_objects_v2(Bucket="uji")["Contents"]]
        assert ".pulumi/stacks/uji/uji.json" in stored
