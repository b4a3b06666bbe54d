import os
import platform
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from infra.lab.preflight import check_machine
from infra.preflight import read_operator_key

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6G operator@tegak"


def test_a_machine_without_linux_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(OperatorError, match="need Linux, and this is Darwin") as error:
        check_machine()
    assert error.value.next_command


def test_a_user_who_is_not_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(OperatorError, match="need root") as error:
        check_machine()
    assert error.value.next_command == "sudo make up"


def test_tools_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError, match="lacks systemd-nspawn, mmdebstrap, ip, tc, mount") as error:
        check_machine()
    assert error.value.next_command == "make setup"


def test_the_operators_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "operator.pub").write_text(f"{KEY}\n")
    assert read_operator_key(tmp_path, "operator.pub") == KEY


@pytest.mark.parametrize("content", [None, "", "-----BEGIN OPENSSH PRIVATE KEY-----", f"{KEY}\n{KEY}", "k\u00e9y"])
def test_what_is_not_one_public_key_is_refused(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "operator.pub"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(OperatorError, match=r"operator\.pub") as error:
        read_operator_key(tmp_path, file.name)
    assert error.value.next_command == "make setup"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o700 | 0o010])
def test_a_private_key_beside_it_that_others_can_read_is_refused_before_anything_is_made(
    tmp_path: Path, mode: int
) -> None:
    (tmp_path / "operator.pub").write_text(f"{KEY}\n")
    (tmp_path / "operator").touch()
    (tmp_path / "operator").chmod(mode)
    with pytest.raises(OperatorError, match="operator can be read by others") as error:
        read_operator_key(tmp_path, "operator.pub")
    assert error.value.next_command == "chmod 600 operator"
    (tmp_path / "operator").chmod(0o600)
    assert read_operator_key(tmp_path, "operator.pub") == KEY
