"""A connection that another program carries."""

import contextlib
import os
import sys
import time

import pytest

from roles.hosts.proxy import Proxy


def test_what_is_sent_reaches_the_program_and_its_answer_comes_back_over_a_real_socket() -> None:
    proxy = Proxy(["cat"])
    with proxy.start() as link:
        link.settimeout(5)
        link.sendall(b"SSH-2.0-uji\r\n")
        assert link.recv(100) == b"SSH-2.0-uji\r\n"
    proxy.stop()


def test_its_end_is_the_connections_end_and_its_complaint_is_known() -> None:
    proxy = Proxy(["sh", "-c", "echo; echo 'An error occurred (TargetNotConnected)' >&2; echo >&2"])
    with proxy.start() as link:
        link.settimeout(5)
        assert link.recv(100) == b"\n"
        assert link.recv(100) == b""
    assert proxy.last_words() == "An error occurred (TargetNotConnected)"
    proxy.stop()


def test_a_program_that_is_not_installed_is_named() -> None:
    with pytest.raises(OSError, match="'no-such-program' can't be started on this machine: No such file"):
        Proxy(["no-such-program"]).start()


def test_stopping_ends_what_the_program_started_too() -> None:
    script = "import subprocess, time; print(subprocess.Popen(['sleep', '300']).pid, flush=True); time.sleep(300)"
    proxy = Proxy([sys.executable, "-c", script])
    with proxy.start() as link:
        link.settimeout(5)
        child = int(link.recv(20))
        proxy.stop()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and _runs(child):
            time.sleep(0.02)
        assert not _runs(child)


def _runs(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    return False
