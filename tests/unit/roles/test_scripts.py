import shlex
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roles.files import HostFile, actions_of, render
from roles.scripts import pool
from roles.scripts.artefacts import Artefact, point, receive_release
from roles.scripts.files import compare_files
from roles.scripts.quoting import command, refuse_unless, script, wait_until

words = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30)


def bash(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False, timeout=20)


@given(st.lists(words, max_size=4))
def test_whatever_a_word_holds_it_stays_one_word(arguments: list[str]) -> None:
    assert shlex.split(command("printf", *arguments)) == ["printf", *arguments]


def test_a_hostile_word_runs_nothing(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    hostile = f"'; touch {proof}; $(touch {proof}) `touch {proof}`"
    assert bash(command("echo", hostile)).stdout.strip() == hostile
    assert bash(pool.undrain(hostile).text).returncode != 0
    assert not proof.exists()


def test_a_script_ends_at_the_first_line_that_fails() -> None:
    assert bash(script("echo one", "false", "echo two").text).stdout == "one\n"
    assert bash(script("false | true", "echo two").text).stdout == ""


def test_a_script_runs_as_root_and_is_ended_by_the_host_itself() -> None:
    line = script("true", timeout_seconds=7).command_line()
    assert shlex.split(line)[:7] == ["sudo", "timeout", "-k", "5", "7", "bash", "-c"]


def test_a_refusal_says_its_sentence() -> None:
    result = bash(script(refuse_unless("false", "it's refused"), "echo on").text)
    assert (result.returncode, result.stdout, result.stderr) == (1, "", "it's refused\n")


def test_waiting_ends_when_time_runs_out_or_hope_does() -> None:
    assert bash(script(*wait_until("true", 5, "echo late")).text).returncode == 0
    late = bash(script(*wait_until("false", 0, "echo late")).text)
    assert (late.returncode, late.stderr) == (1, "late\n")
    hopeless = bash(script(*wait_until("false", 60, "echo late", hopeless="true")).text)
    assert (hopeless.returncode, hopeless.stderr) == (1, "late\n")


def test_a_link_is_switched_by_a_rename_and_only_to_what_is_complete(tmp_path: Path) -> None:
    old, new, link = tmp_path / "old", tmp_path / "new", tmp_path / "current"
    for directory in (old, new):
        directory.mkdir()
    (old / ".complete").touch()
    assert bash(script(*point(PurePosixPath(link), PurePosixPath(old))).text).returncode == 0
    refused = bash(script(*point(PurePosixPath(link), PurePosixPath(new))).text)
    assert refused.stderr == f"{new} is not complete\n"
    assert link.resolve() == old
    assert not any("rm" in shlex.split(line)[:1] for line in point(PurePosixPath(link), PurePosixPath(new))[1:])


def test_what_is_received_is_checked_before_it_is_unpacked_and_complete_last() -> None:
    text = receive_release(Artefact("1.0.0-abc", 10, "ab", "SIGNATURE", "tegak-release")).text
    order = ["sha256sum --check", "-Y verify", "tar -xzf", "compileall", "touch", "mv -T"]
    assert sorted(order, key=text.index) == order
    assert "-n tegak-release" in text


def test_a_file_differs_in_content_or_mode(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("text")
    target.chmod(0o644)
    file = HostFile(PurePosixPath(target), b"text")
    line = compare_files([file]).text.splitlines()[-1].replace('"$stage"', "''")
    assert bash(line).stdout == ""
    target.chmod(0o600)
    assert bash(line).stdout == f"{target}\n"


def test_a_template_that_uses_an_unknown_name_is_an_error() -> None:
    with pytest.raises(Exception, match="'ssh_user' is undefined"):
        render("base", "/etc/ssh/sshd_config.d/10-tegak.conf", {})


def test_the_same_action_of_two_files_runs_once() -> None:
    reload = (("systemctl", "reload", "x"),)
    files = [HostFile(PurePosixPath(f"/{name}"), b"", actions=reload) for name in "ab"]
    assert actions_of(files) == list(reload)
