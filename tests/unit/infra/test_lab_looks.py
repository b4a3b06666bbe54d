"""Looks at things of this machine that may vanish between two lines."""

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from infra.lab import bridge, cgroup, claim, processes
from infra.lab.disk import Disk
from infra.lab.machine import first_process, payload, runs, supervisor

HOST = Disk(Path("/uji"))
ROOT = "36 35 0:30 / / rw - overlay tegak-lab rw,lowerdir=/image,upperdir=/uji/upper,workdir=/uji/work\n"
OTHER = "36 35 0:30 / / rw - overlay tegak-lab rw,lowerdir=/image,upperdir=/lain/upper,workdir=/lain/work\n"
FIRST, LATER = "Name:\tsystemd\nNSpid:\t4711\t1\n", "Name:\tsh\nNSpid:\t4712\t7\n"
SUPERVISOR = "systemd-nspawn\0--directory=/uji/root\0"


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Makes a process, of whose files some have vanished already."""

    def make(pid: int, **files: str) -> None:
        (tmp_path / str(pid)).mkdir()
        for name, text in files.items():
            (tmp_path / str(pid) / name).write_text(text)

    monkeypatch.setattr(processes, "PROC", tmp_path)
    return make


def test_a_process_that_ends_before_its_status_is_read_is_passed_over(process: Callable[..., None]) -> None:
    process(4000, cmdline=SUPERVISOR)
    process(4710, mountinfo=ROOT)  # its mounts were read, and then it was gone
    process(4711, mountinfo=ROOT, status=FIRST)
    process(4712, mountinfo=ROOT, status=LATER)
    process(4713)
    process(4714, mountinfo="", cmdline="", status="")  # a zombie
    process(4715, mountinfo=OTHER, status=FIRST)
    assert first_process(HOST) == 4711
    assert payload(HOST) == (4710, 4711, 4712)
    assert supervisor(HOST) == 4000
    assert runs(HOST)


def test_a_host_whose_first_process_has_ended_does_not_run(process: Callable[..., None]) -> None:
    process(4000, cmdline=SUPERVISOR)
    process(4711, mountinfo=ROOT)
    assert first_process(HOST) is None
    assert not runs(HOST)


def test_of_a_process_that_has_ended_nothing_is_read() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert processes.read(ended.pid, "status") == ""


def test_a_mark_that_another_sweep_removes_is_nobodys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(claim, "stack_directory", tmp_path.joinpath)
    claim.claim_stack("uji", claim.CheckoutMark("1", "/a/checkout"))
    (tmp_path / "uji" / claim.OWNER).unlink()

    def was_there(_: Path) -> bool:
        return True

    monkeypatch.setattr(Path, "exists", was_there)
    assert claim.read_mark("uji") is None


def test_a_lab_is_its_claims_wherever_its_checkout_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(claim, "stack_directory", tmp_path.joinpath)
    claim.claim_stack("uji", claim.CheckoutMark("1", "/old"))
    claim.claim_stack("uji", claim.CheckoutMark("1", "/new"))
    assert claim.read_mark("uji") == claim.CheckoutMark("1", "/new")
    with pytest.raises(OperatorError, match="already runs on this machine from the checkout /new"):
        claim.claim_stack("uji", claim.CheckoutMark("2", "/old"))
    claim.release("uji", "2")
    # Its state was lost: what its own folder has is taken over.
    claim.claim_stack("uji", claim.CheckoutMark("3", "/new"))
    claim.release("uji", "1")
    assert claim.read_mark("uji") == claim.CheckoutMark("3", "/new")


@pytest.mark.parametrize("text", ["/a/checkout\n", "", '{"claim": "1"}', "[]", '{"claim": "1", "checkout"'])
def test_a_mark_that_can_not_be_read_is_somebodys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    monkeypatch.setattr(claim, "stack_directory", tmp_path.joinpath)
    (tmp_path / "uji").mkdir()
    (tmp_path / "uji" / claim.OWNER).write_text(text)
    with pytest.raises(OperatorError, match="already runs on this machine"):
        claim.claim_stack("uji", claim.CheckoutMark("1", "/mine"))


def test_a_bridge_that_vanishes_while_it_is_looked_at_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    links = {"tg-uji"}

    def vanishes(_argv: list[str], *, step: str) -> str:
        links.clear()
        raise OperatorError(f"{step}: Cannot find device")

    monkeypatch.setattr(bridge, "is_link", links.__contains__)
    monkeypatch.setattr(bridge, "run", vanishes)
    assert bridge.inspect_bridge("tg-uji") is None
    links.add("tg-uji")
    bridge.remove_bridge("tg-uji")


def test_a_control_group_is_made_beside_hosts_that_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cgroup, "hierarchies", lambda: [tmp_path])
    stop = threading.Event()

    def remove_others() -> None:
        while not stop.is_set():
            cgroup.remove("other")  # and with it the parent of all, where that is empty

    with_others = threading.Thread(target=remove_others)
    with_others.start()
    try:
        for _ in range(100):
            cgroup.started_in_own("host", ["true"])
            assert (tmp_path / cgroup.PARENT / "host").is_dir()
            (tmp_path / cgroup.PARENT / "host").rmdir()
    finally:
        stop.set()
        with_others.join()
