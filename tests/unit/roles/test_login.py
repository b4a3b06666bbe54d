"""The operators' key is looked at before any host is asked, and ssh-agent may hold it."""

import subprocess
from collections.abc import Generator
from pathlib import Path

import paramiko
import pytest

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import OperatorKey
from roles.hosts.login import Login, log_in_with
from tests.stands.ssh_keys import make_key, ssh_agent


def operator_key(file: Path, passphrase: str = "") -> OperatorKey:
    return OperatorKey(file=f"{file.name}.pub", public=make_key(file, passphrase))


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None, None, None]:
    with ssh_agent(tmp_path / "agent") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield


def refused(key: OperatorKey, directory: Path) -> OperatorError:
    with pytest.raises(OperatorError) as caught:
        log_in_with(key, directory)
    assert "\n" not in caught.value.message
    return caught.value


def test_a_key_in_a_file_is_used_without_an_agent(tmp_path: Path) -> None:
    key = operator_key(tmp_path / "kpu")
    assert log_in_with(key, tmp_path) == Login(tmp_path / "kpu", key.public)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    key = operator_key(tmp_path / "kpu key")
    (tmp_path / "kpu key").chmod(0o644)
    error = refused(key, tmp_path)
    assert error.message.startswith("kpu key can be read by others on this machine")
    assert error.next_command == "chmod 600 'kpu key'"


def test_a_key_that_the_hosts_were_not_given_is_refused(tmp_path: Path) -> None:
    key = operator_key(tmp_path / "kpu")
    (tmp_path / "kpu").unlink()
    operator_key(tmp_path / "kpu")
    error = refused(key, tmp_path)
    assert error.message == "the operators' key kpu is not the one that the hosts were given; no host was asked"
    assert (error.next_command or "").startswith("pulumi up")


def test_a_key_that_is_missing_is_said(tmp_path: Path) -> None:
    key = operator_key(tmp_path / "kpu")
    (tmp_path / "kpu").unlink()
    error = refused(key, tmp_path)
    assert error.message == "the operators' key kpu is missing, and ssh-agent doesn't have it; no host was asked"
    assert error.next_command


@pytest.mark.parametrize("content", [b"", b"x", b"-----BEGIN OPENSSH PRIVATE KEY-----\n"])
def test_a_key_that_is_none_is_said(tmp_path: Path, content: bytes) -> None:
    key = operator_key(tmp_path / "kpu")
    (tmp_path / "kpu").write_bytes(content)
    assert refused(key, tmp_path).message.startswith("the operators' key kpu can't be used")


def test_a_key_with_a_passphrase_needs_an_agent_that_holds_it(tmp_path: Path, agent: None) -> None:
    assert agent is None
    key, other = operator_key(tmp_path / "kpu", "rahasia"), operator_key(tmp_path / "lain")
    subprocess.check_call(["ssh-add", "-q", str(tmp_path / "lain")])
    error = refused(key, tmp_path)
    assert error.message == "the operators' key kpu has a passphrase, and ssh-agent doesn't have it; no host was asked"
    assert error.next_command == "ssh-add kpu"
    (tmp_path / "lain").unlink()
    login = log_in_with(other, tmp_path)
    assert login == Login(tmp_path / "lain", other.public, from_agent=True)
    asked = paramiko.Agent()
    (held,) = login.arguments(asked).values()
    assert isinstance(held, paramiko.PKey)
    assert f"{held.get_name()} {held.get_base64()}" == other.public
    asked.close()


def test_an_agent_that_forgets_the_key_meanwhile_is_said(tmp_path: Path, agent: None) -> None:
    assert agent is None
    login = Login(tmp_path / "kpu", operator_key(tmp_path / "kpu").public, from_agent=True)
    asked = paramiko.Agent()
    with pytest.raises(paramiko.AuthenticationException, match="no longer has"):
        login.arguments(asked)
    asked.close()
