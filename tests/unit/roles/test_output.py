"""What a task says never ends it, whatever became of who listens."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stands.lab import PROJECT

pytestmark = pytest.mark.thorough

SAYS = """
from roles.output import make_output_unfailing
make_output_unfailing()
"""
GOES_ON = """
from pathlib import Path
Path("done").touch()
"""
EVERYTHING = f"""
{SAYS}
import sys, time
from roles.rollout.progress import reporting, show_times
from roles.hosts.audit import StepTime
from roles.terminal import build_progress, say, show_table, working
time.sleep(0.05)  # a reader who leaves has left
with reporting() as reporter:
    for number in range(20):
        reporter.step("jakarta-app-1", "draining", "…")
        reporter.note(f"{{number}} ✓ \\udcff " + 60 * "-")
with build_progress() as show, working("publishing"):
    for done in range(3):
        show("checking", done, 2)
show_times([StepTime(host="jakarta-app-1", step="draining", seconds=1.0)])
show_table(("host", "health"), [("jakarta-app-1", "… ✓")] * 20)
for number in range(20):
    say("… ✓ " + 60 * "-")
    print("… ✓ " + 60 * "-")
print("… ✓", file=sys.stderr)
{GOES_ON}
"""


def run(directory: Path, program: str, redirection: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a program whose output goes where a shell sends it."""
    return subprocess.run(
        ["bash", "-c", f'exec "$0" -c "$1" {redirection}', sys.executable, program],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


READER_IS_GONE = "> >(exec true)"


@pytest.mark.parametrize("terminal", [{}, {"FORCE_COLOR": "1"}], ids=["plain", "terminal"])
@pytest.mark.parametrize(
    ("redirection", "environment"),
    [
        (READER_IS_GONE, {}),
        (f"{READER_IS_GONE} 2>&1", {}),
        ("> /dev/full 2>&1", {}),
        (">&- 2>&-", {}),
        ("", {"PYTHONIOENCODING": "latin-1"}),
        ("", {"PYTHONIOENCODING": "ascii"}),
    ],
    ids=["reader gone", "both readers gone", "disk full", "closed", "latin-1", "ascii"],
)
def test_all_that_can_be_said_is_said_to_nobody_and_the_work_goes_on(
    tmp_path: Path, redirection: str, environment: dict[str, str], terminal: dict[str, str]
) -> None:
    result = run(tmp_path, EVERYTHING, redirection, **environment, **terminal)
    assert result.returncode == 0, result.stderr[-2000:]
    assert (tmp_path / "done").exists()
    assert "Traceback" not in result.stderr
    assert "Error" not in result.stderr


def test_a_file_that_is_opened_after_a_closed_output_gets_nothing_that_is_said(tmp_path: Path) -> None:
    program = f'{SAYS}\nopened = open("token", "w")\nprint("said", flush=True)\nopened.write("kept")'
    assert run(tmp_path, program, ">&-").returncode == 0
    assert (tmp_path / "token").read_text(encoding="utf-8") == "kept"


def test_a_reader_that_is_slow_gets_every_line_of_a_stream_that_does_not_wait() -> None:
    program = f"import os\nos.set_blocking(1, False)\n{SAYS}\nfor number in range(20000):\n    print('a line', number)"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE) as process:
        time.sleep(0.2)
        said, _ = process.communicate()
    assert process.returncode == 0
    assert len(said.splitlines()) == 20000


@pytest.mark.parametrize(
    ("redirection", "lost"),
    [("> /dev/full", "No space left on device"), (READER_IS_GONE, ""), (">&-", ""), ("> /dev/null", "")],
)
def test_output_that_is_lost_is_told_of_but_a_reader_who_left_is_not(
    tmp_path: Path, redirection: str, lost: str
) -> None:
    program = f"""{SAYS}
import sys, time
from roles.output import lost_output
time.sleep(0.05)
for _ in range(3):
    print(70000 * "x", flush=True)
problem = lost_output()
sys.stderr.write(problem.strerror if problem else "")
"""
    assert run(tmp_path, program, redirection).stderr == lost


def test_a_command_that_is_shown_is_not_ended_by_a_reader_who_left(tmp_path: Path) -> None:
    program = f"""{SAYS}
import os, time
from pathlib import Path
from roles.output import run_shown
time.sleep(0.05)
words = ["sh", "-c", "i=0; while [ $i -lt 2000 ]; do echo $i; echo $i >&2; i=$((i+1)); done; touch done; exit 7"]
Path("code").write_text(str(run_shown(words, Path.cwd(), os.environ)))
"""
    assert run(tmp_path, program, f"{READER_IS_GONE} 2>&1").returncode == 0
    assert (tmp_path / "done").exists()
    assert (tmp_path / "code").read_text(encoding="ascii") == "7"


def test_what_a_shown_command_says_arrives_on_the_same_two_streams(tmp_path: Path) -> None:
    program = f"""{SAYS}
import os
from pathlib import Path
from roles.output import run_shown
run_shown(["sh", "-c", "echo one; echo two >&2"], Path.cwd(), os.environ)
"""
    result = run(tmp_path, program, "")
    assert (result.stdout, result.stderr) == ("one\n", "two\n")
