"""Looking at a machine that one owns, with an ssh of this test's own."""

import subprocess
from pathlib import Path

import pytest

from infra.adopted import inspection
from infra.adopted.inspection import MachineFacts, OwnMachine, inspect
from infra.bridge.errors import OperatorError

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
MACHINE = OwnMachine("satu", "app", "198.51.100.21", 2222, "deploy", (KEY,), ".secrets/operator.pub")
FIT = "system debian 12\narchitecture aarch64\nfirst-process systemd\nsudo yes\n"


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `ssh` that notes its arguments and known hosts, says what is in `out` and `error`, and ends with `code`."""
    program = tmp_path / "ssh"
    program.write_text(
        f"""#!/bin/sh
cd {tmp_path}
printf '%s\\n' "$@" > arguments
for word; do case "$word" in -oUserKnownHostsFile=*) eval cp "${{word#*=}}" known;; esac; done
cat out; cat error >&2; exit "$(cat code)"
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    says(tmp_path, FIT)
    return tmp_path


def says(directory: Path, out: str, error: str = "", code: int = 0) -> None:
    for name, text in {"out": out, "error": error, "code": str(code)}.items():
        (directory / name).write_text(text)


def test_a_fit_machines_system_and_architecture_are_known(ssh: Path) -> None:
    assert inspect(MACHINE) == MachineFacts("debian 12", "aarch64")
    assert (ssh / "known").read_text() == f"[198.51.100.21]:2222 {KEY}\n"


def test_no_other_key_no_other_configuration_and_no_question_can_let_another_machine_in(ssh: Path) -> None:
    inspect(MACHINE)
    arguments = (ssh / "arguments").read_text().splitlines()
    assert arguments[:2] == ["-F", "/dev/null"]
    assert {"-oStrictHostKeyChecking=yes", "-oGlobalKnownHostsFile=/dev/null", "-oBatchMode=yes"} < set(arguments)


def test_ssh_finds_the_key_of_a_checkout_whatever_its_name(ssh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "PROJECT_DIRECTORY", Path("/home/a zür 5%d/tegak"))
    inspect(MACHINE)
    arguments = (ssh / "arguments").read_text(encoding="utf-8").splitlines()
    understood = subprocess.check_output(["/usr/bin/ssh", "-G", *arguments[:-1]], text=True, encoding="utf-8")
    assert "identityfile /home/a zür 5%%d/tegak/.secrets/operator\n" in understood


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        (FIT.replace("debian 12", "ubuntu 22.04"), "runs ubuntu 22.04, expected debian 12; nothing was changed"),
        (FIT.replace("debian 12", "debian 13"), "runs debian 13, expected debian 12"),
        ("", "runs an unknown system, expected debian 12"),
        (FIT.replace("systemd", "init"), "was started by init, expected systemd"),
        (FIT.replace("sudo yes\n", ""), "deploy may not call sudo there, expected to without a password"),
        (f"{FIT}lacks nginx\nlacks curl\n", "lacks nginx, curl, expected for its role app"),
    ],
)
def test_a_machine_that_is_not_fit_is_refused_with_what_was_expected(ssh: Path, out: str, sentence: str) -> None:
    says(ssh, out)
    with pytest.raises(OperatorError) as caught:
        inspect(MACHINE)
    assert caught.value.message.startswith("satu (198.51.100.21, port 2222)")
    assert sentence in caught.value.message
    assert "-p 2222 deploy@198.51.100.21" in str(caught.value.next_command)


@pytest.mark.parametrize(
    ("error", "sentence", "next_command"),
    [
        (
            "ssh: connect to host 198.51.100.21 port 2222: Connection refused\r\n",
            "does not answer ssh (Connection refused), expected a running machine",
            "ssh -i .secrets/operator -p 2222 deploy@198.51.100.21",
        ),
        ("", "does not answer ssh (no message)", "ssh -i"),
        (
            "deploy@198.51.100.21: Permission denied (publickey).\r\n",
            "refuses the operators' key for deploy",
            "ssh-copy-id -f -i .secrets/operator.pub -p 2222 deploy@198.51.100.21",
        ),
        (
            (
                "The fingerprint for the ED25519 key sent by the remote host is\n"
                "SHA256:pMLVt1GWMWpD9LGVw9tnYxGXlDB2rKmt4TYEwHEnJbk.\nHost key verification failed.\r\n"
            ),
            "shows SHA256:pMLVt1GWMWpD9LGVw9tnYxGXlDB2rKmt4TYEwHEnJbk, expected SHA256:",
            "ssh-keyscan -p 2222 198.51.100.21",
        ),
        (
            "No RSA host key is known for 198.51.100.21 and you have requested strict checking.\r\n",
            "shows another host key, expected SHA256:",
            "ssh-keyscan",
        ),
    ],
)
def test_a_machine_that_is_not_reached_is_refused_with_why(
    ssh: Path, error: str, sentence: str, next_command: str
) -> None:
    says(ssh, FIT, error, 255)
    with pytest.raises(OperatorError) as caught:
        inspect(MACHINE)
    assert sentence in caught.value.message
    assert next_command in str(caught.value.next_command)


def test_what_a_remote_command_says_of_host_keys_is_no_failed_connection(ssh: Path) -> None:
    says(ssh, FIT, "Host key verification failed", 1)
    assert inspect(MACHINE).system == "debian 12"
