import shlex
import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.bridge.errors import OperatorError
from roles.artefacts.files import Templates
from roles.hosts.pool import read_servers
from roles.scripts import activation, pool
from roles.scripts.artefacts import Artefact, point, receive_release, set_aside
from roles.scripts.host_files import HostFile, archive
from roles.scripts.quoting import Script, case_of, command, keep, pipe, prints, refuse_unless, script, wait_until

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
    assert bash(pool.undrain("results", hostile).text).returncode != 0
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


def test_what_fails_inside_what_is_kept_ends_the_script() -> None:
    assert bash(script(keep("answer", pipe("false", "cat")), "echo on").text).stdout == ""
    assert bash(script(keep("answer", "echo yes"), 'echo "$answer"').text).stdout == "yes\n"


@pytest.mark.parametrize(("holds", "printed"), [("true", "one\n"), ("false", "two\n")])
def test_a_case_runs_one_of_its_sides(holds: str, printed: str) -> None:
    assert bash(script(*case_of(holds, "echo one", otherwise=["echo two"])).text).stdout == printed


@given(words)
def test_a_condition_compares_what_is_printed_to_the_letter(word: str) -> None:
    same = bash(script(prints(command("printf", "%s", word), word)).text).returncode == 0
    assert same == (word == word.rstrip("\n"))  # as the shell, which drops line ends


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


def test_a_template_that_uses_an_unknown_name_is_an_error() -> None:
    texts = {"base/files.toml": '[[file]]\npath = "/etc/x"\n', "base/etc/x.j2": "{{ nobody }}"}
    with pytest.raises(OperatorError, match="'nobody' is undefined"):
        list(Templates(texts).files("base", {}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("one\n{% if %}", "templates/base/etc/x.j2 in release 1.0.0-abc: line 2: Expected an expression"),
        ("{{ 'x' + 1 }}", "templates/base/etc/x.j2 in release 1.0.0-abc: can only concatenate str"),
        ("{{ 1 / 0 }}", "templates/base/etc/x.j2 in release 1.0.0-abc: division by zero"),
    ],
)
def test_a_template_that_cannot_be_rendered_is_named_with_where_it_is(text: str, words: str) -> None:
    texts = {"base/files.toml": '[[file]]\npath = "/etc/x"\n', "base/etc/x.j2": text}
    with pytest.raises(OperatorError) as caught:
        list(Templates(texts, "release 1.0.0-abc").files("base", {}))
    assert caught.value.message.startswith(words)
    assert caught.value.next_command == "$EDITOR templates/base/etc/x.j2"


def test_an_unknown_key_in_a_list_of_files_is_an_error() -> None:
    texts = {"base/files.toml": '[[file]]\npath = "/etc/x"\ncheker = []\n', "base/etc/x.j2": ""}
    with pytest.raises(OperatorError, match="cheker"):
        list(Templates(texts).files("base", {}))


class Host:
    """A host's directories under a temporary one, with a systemctl that only notes what it is told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("etc", "var/lib/tegak", "srv/tegak/releases", "run", "bin"):
            (root / name).mkdir(parents=True)
        for release in ("old", "new"):
            (root / f"srv/tegak/releases/{release}").mkdir()
            (root / f"srv/tegak/releases/{release}/.complete").touch()
        fake = root / "bin/systemctl"
        fake.write_text(f'#!/bin/sh\necho "$@" >> {root}/said\n')
        fake.chmod(0o755)
        self.point("old")

    def point(self, release: str) -> None:
        link = self.root / "srv/tegak/current"
        link.unlink(missing_ok=True)
        link.symlink_to(self.root / f"srv/tegak/releases/{release}")

    def file(
        self, name: str, content: bytes, checker: tuple[str, ...] = (), actions: tuple[tuple[str, ...], ...] = ()
    ) -> HostFile:
        return HostFile(PurePosixPath(self.root / "etc" / name), content, checker=checker, actions=actions)

    def run(self, given: Script, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        text = given.text
        for part in ("/var/lib/tegak", "/srv/tegak", "/run/tegak"):
            text = text.replace(part, f"{self.root}{part}")
        path = f"{self.root}/bin:/usr/bin:/bin"
        return subprocess.run(
            ["bash", "-c", text], input=stdin, capture_output=True, check=False, timeout=20, env={"PATH": path}
        )

    def activate(self, files: list[HostFile], gone: tuple[PurePosixPath, ...] = (), release: str | None = "new") -> int:
        wanted = [file.path for file in files]
        given = activation.activate("id/role", files, gone, wanted, release)
        return self.run(given, archive(files)).returncode

    def put_back(self, files: list[HostFile]) -> int:
        return self.run(activation.put_back("id/role", files)).returncode

    def current(self) -> str:
        return (self.root / "srv/tegak/current").resolve().name

    def said(self) -> list[str]:
        file = self.root / "said"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_what_was_placed_is_put_back_with_its_mode_and_what_was_not_there_goes(host: Host) -> None:
    kept, gone = host.root / "etc/kept", host.root / "etc/gone"
    kept.write_text("before")
    kept.chmod(0o600)
    gone.write_text("of an earlier configuration")
    files = [host.file("kept", b"after", actions=(("systemctl", "reload", "x"),)), host.file("sub/new", b"new")]
    assert host.activate(files, (PurePosixPath(gone),)) == 0
    assert (kept.read_text(), host.current(), gone.exists()) == ("after", "new", False)
    assert list((host.root / "var/lib/tegak/pending").iterdir()) == []  # in force, so they don't count as different
    assert "reload x" in host.said()
    assert host.activate(files, (PurePosixPath(gone),)) == 0  # resumed: what was there before stays known
    assert host.put_back(files) == 0
    assert (kept.read_text(), kept.stat().st_mode & 0o777, host.current()) == ("before", 0o600, "old")
    assert gone.read_text() == "of an earlier configuration"
    assert not (host.root / "etc/sub/new").exists()
    assert list((host.root / "var/lib/tegak/pending").iterdir()) == []
    assert host.said()[-1] == "restart tegak-results.service"


def test_a_refused_file_leaves_everything_as_it_was(host: Host) -> None:
    files = [host.file("fine", b"fine"), host.file("broken", b"x", checker=("false",))]
    assert host.activate(files) != 0
    assert list((host.root / "etc").iterdir()) == []
    assert host.current() == "old"
    assert host.said() == []


SAYS_MUCH = "for i in 1 2 3 4 5 6; do echo [NOTICE] of version $i; echo ALERT $i in $0 1>&2; done; exit 1"


@pytest.mark.parametrize(
    ("checker", "words"),
    [
        (("false",), ["it says nothing"]),
        (("sh", "-c", SAYS_MUCH, "staged/etc/broken"), [f"ALERT {number} in /etc/broken" for number in range(1, 5)]),
        (("no-such-checker", "staged/etc/broken"), ["No such file or directory"]),
    ],
)
def test_a_refusal_is_told_in_the_checkers_own_words_with_the_template(
    host: Host, checker: tuple[str, ...], words: list[str]
) -> None:
    source = "templates/lb/etc/broken.j2 in release 1.0.0-abc"
    file = replace(host.file("broken", b"x", checker=checker), source=source)
    given = activation.activate("id/role", [file], (), [file.path], None)
    said = host.run(given, archive([file])).stderr.decode().splitlines()
    assert said == [f"{file.path} (of {source}) is refused by {checker[0]}:", *words]


def test_a_daemon_that_does_not_start_tells_why(host: Host) -> None:
    for name, does in {"systemctl": "echo Job failed. >&2; exit 1", "journalctl": 'echo "$@: no room"'}.items():
        (host.root / f"bin/{name}").write_text(f"#!/bin/sh\n{does}\n")
        (host.root / f"bin/{name}").chmod(0o755)
    file = host.file("x", b"x", actions=(("systemctl", "reload-or-restart", "nginx"),))
    result = host.run(activation.activate("id/role", [file], (), [file.path], None), archive([file]))
    assert result.returncode == 1
    assert result.stderr.decode() == "Job failed.\n-q --no-pager -o cat -n 3 -u nginx: no room\n"


def test_a_file_that_is_closed_to_others_is_never_open_to_them(host: Host) -> None:
    """Neither where it is placed, nor where the one before it is kept."""
    before = host.root / "etc/secret"
    before.write_text("old secret")
    before.chmod(0o600)
    file = replace(host.file("secret", b"new secret"), mode=0o600)
    assert host.activate([file]) == 0
    kept = host.root / f"var/lib/tegak/rollouts/id/role/files{before}"
    assert [path.stat().st_mode & 0o777 for path in (before, kept)] == [0o600, 0o600]
    assert (before.read_text(), kept.read_text()) == ("new secret", "old secret")


def test_a_tar_that_leads_out_of_the_staging_directory_is_refused(host: Host) -> None:
    outside = HostFile(PurePosixPath("/../../../../../../../../tmp/tegak-outside"), b"x")
    given = activation.activate("id/role", [host.file("x", b"x")], (), [], None)
    refused = host.run(given, archive([outside]))
    assert refused.returncode == 1
    assert b"is no file of a host" in refused.stderr
    assert not Path("/tmp/tegak-outside").exists()  # noqa: S108
    assert list((host.root / "etc").iterdir()) == []


def test_putting_back_does_nothing_where_nothing_was_begun(host: Host) -> None:
    assert host.put_back([host.file("x", b"", actions=(("systemctl", "reload", "x"),))]) == 0
    assert host.said() == []


def test_the_first_release_is_undone_to_none(host: Host) -> None:
    (host.root / "srv/tegak/current").unlink()
    assert host.activate([]) == 0
    assert host.put_back([]) == 0
    assert not (host.root / "srv/tegak/current").exists()
    assert host.said()[-1] == "stop tegak-results.service"


def test_an_action_of_two_files_runs_once(host: Host) -> None:
    files = [host.file(name, b"", actions=(("systemctl", "reload", "x"),)) for name in "ab"]
    assert host.activate(files, release=None) == 0
    assert host.said() == ["reload x"]


RELOAD_X, RELOAD_Y = ("systemctl", "reload", "x"), ("systemctl", "reload", "y")


def test_undoing_files_alone_does_what_they_ask_for_and_restarts_nothing_else(host: Host) -> None:
    ground = host.file("ground", b"", actions=(RELOAD_X,))
    role = host.file("role", b"", actions=(RELOAD_Y,))
    (host.root / "etc/ground").write_text("before")
    (host.root / "etc/role").write_text("untouched")
    assert host.activate([ground], release=None) == 0
    assert host.put_back([ground, role]) == 0
    assert host.said() == ["reload x", "reload x"]
    assert (host.root / "etc/role").read_text() == "untouched"


def test_undoing_after_a_resume_does_what_all_files_ask_for_the_first_ones_too(host: Host) -> None:
    first, second = host.file("a", b"1", actions=(RELOAD_X,)), host.file("b", b"2", actions=(RELOAD_Y,))
    for name in "ab":
        (host.root / "etc" / name).write_text("before")
    assert host.activate([first, second]) == 0
    assert host.activate([second]) == 0  # resumed: only this one still differed
    before = len(host.said())
    assert host.put_back([first, second]) == 0
    assert host.said()[before:] == [
        "reload x",
        "reload y",
        "reset-failed tegak-results.service",
        "restart tegak-results.service",
    ]
    assert [(host.root / "etc" / name).read_text() for name in "ab"] == ["before", "before"]


def test_what_can_not_be_put_back_is_an_error_and_not_taken_for_done(host: Host) -> None:
    (host.root / "etc/x").write_text("before")
    file = host.file("x", b"after")
    assert host.activate([file]) == 0
    (host.root / "etc/x").unlink()
    (host.root / "etc/x/in the way").mkdir(parents=True)
    assert host.put_back([file]) != 0
    assert list((host.root / "var/lib/tegak/rollouts").rglob("complete"))  # so that it can be tried again


def test_what_an_altered_host_has_is_set_aside_and_the_one_before_is_gone(host: Host) -> None:
    own = host.root / "srv/tegak"
    (own / "snapshots/one").mkdir(parents=True)
    (own / "snapshots/current").symlink_to(own / "snapshots/one")
    assert host.run(set_aside()).returncode == 0
    assert host.said() == ["stop tegak-results.service"]
    assert not (own / "current").is_symlink()
    assert sorted(each.name for each in (own / "discarded").rglob("*")) == [
        ".complete",
        ".complete",
        "new",
        "old",
        "one",
        "releases",
        "snapshots",
    ]
    assert list((own / "releases").iterdir()) == list((own / "snapshots").iterdir()) == []
    assert host.run(set_aside()).returncode == 0  # also where there is nothing
    assert not list((own / "discarded").rglob("old"))


def test_haproxys_table_is_read() -> None:
    """As HAProxy 2.6 prints it, its last columns left out: 2 is running, 0x08 is drained by us."""
    table = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight
3 results 1 a 198.18.1.21 2 0 1
3 results 2 b 198.18.1.22 0 0 1
3 results 3 c 198.18.1.23 2 8 1
"""
    assert dict(read_servers(table)) == {"a": "up", "b": "down", "c": "drained"}
    assert dict(read_servers("")) == {}
