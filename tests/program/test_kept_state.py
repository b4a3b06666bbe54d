"""What the engine keeps in files is damaged: the error's next command is run, and the stack can be read again."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from roles.stack.engine import ask, read_outputs, selected_stack
from tests.stands.lab import PROJECT
from tests.unit.roles.three_hosts import inventory

STACK = "uji"
Damage = Callable[[Path], object]
STATE = f"state/.pulumi/stacks/tegak/{STACK}.json"
COPY = f"{STATE}.bak"
PULUMI = """
name: tegak
runtime: python
stackConfigDir: stacks/
backend: {url: file://./state}
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a stack that is up, as far as the engine knows."""
    project = tmp_path_factory.mktemp("whole") / "a checkout"
    for name in ("stacks", "state", "home"):
        (project / name).mkdir(parents=True)
    (project / ".venv").symlink_to(PROJECT / ".venv")
    (project / "Pulumi.yaml").write_text(PULUMI, encoding="utf-8")
    (project / f"stacks/Pulumi.{STACK}.yaml").touch()
    with pytest.MonkeyPatch.context() as patch:
        use_engine_of(project, patch)
        run(project, "stack", "init", STACK)
        document = json.loads(run(project, "stack", "export", "-s", STACK))
        outputs = {"inventory": inventory().model_dump(mode="json", by_alias=True), "url": "https://198.18.0.10"}
        urn = f"urn:pulumi:{STACK}::tegak::pulumi:pulumi:Stack::tegak-{STACK}"
        resource = {"urn": urn, "custom": False, "type": "pulumi:pulumi:Stack", "outputs": outputs}
        document["deployment"]["resources"] = [resource]
        (project / "import.json").write_text(json.dumps(document), encoding="utf-8")
        for _ in range(2):  # so that the copy of the one before is of a stack that is up too
            run(project, "stack", "import", "-s", STACK, "--file", "import.json")
    return project


def use_engine_of(project: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("PULUMI_BACKEND_URL", f"file://{project / 'state'}")
    patch.setenv("PULUMI_HOME", str(project / "home"))
    patch.setenv("PULUMI_CONFIG_PASSPHRASE", "of the tests")


def run(project: Path, *words: str) -> str:
    result = ask(project, *words)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def project(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "a checkout"
    shutil.copytree(whole, copy, symlinks=True)
    use_engine_of(copy, monkeypatch)
    return copy


def cut(name: str) -> Damage:
    def damage(project: Path) -> None:
        file = project / name
        file.write_bytes(file.read_bytes()[:300])

    return damage


def emptied(name: str) -> Damage:
    return lambda project: (project / name).write_bytes(b"")


def gone(name: str) -> Damage:
    return lambda project: (project / name).unlink()


def only_history_is_whole(project: Path) -> None:
    history = project / f"state/.pulumi/history/tegak/{STACK}"
    history.mkdir(parents=True)
    shutil.copy(project / STATE, history / f"{STACK}-1795655788315742296.checkpoint.json")
    (history / f"{STACK}-1795655788315742297.checkpoint.json").touch()
    cut(STATE)(project)
    cut(COPY)(project)


def test_a_stack_whose_state_is_whole_is_read(project: Path) -> None:
    assert read_outputs(project, STACK).inventory == inventory()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (emptied(STATE), "the state of stack 'uji' is cut off ("),
        (cut(STATE), "the state of stack 'uji' is cut off ("),
        (gone(STATE), "the state of stack 'uji' is gone ("),
        (only_history_is_whole, "the state of stack 'uji' is cut off ("),
        (emptied(f"{STATE}.attrs"), "the engine's note "),
        (emptied("state/.pulumi/meta.yaml"), "the engine's note "),
    ],
    ids=["empty", "cut", "gone", "cut with its copy", "its note", "the store's note"],
)
def test_what_is_damaged_is_named_and_the_next_command_restores_it(
    project: Path, damage: Damage, sentence: str
) -> None:
    damage(project)
    with pytest.raises(OperatorError) as caught:
        read_outputs(project, STACK)
    assert caught.value.message.startswith(sentence)
    assert "no host was touched" in caught.value.message
    assert caught.value.next_command
    subprocess.run(["bash", "-c", caught.value.next_command], cwd=project, check=True)
    assert read_outputs(project, STACK).inventory == inventory()


def test_a_state_without_a_whole_copy_is_said_to_be_that(project: Path) -> None:
    cut(STATE)(project)
    cut(COPY)(project)
    with pytest.raises(OperatorError, match="no copy beside it is whole; no host was touched"):
        read_outputs(project, STACK)


def test_a_stack_that_was_destroyed_is_not_restored(project: Path) -> None:
    document = json.loads((project / COPY).read_bytes())
    document["checkpoint"]["latest"]["resources"][0]["outputs"] = {}
    (project / COPY).write_text(json.dumps(document), encoding="utf-8")
    gone(STATE)(project)
    with pytest.raises(OperatorError) as caught:
        read_outputs(project, STACK)
    assert (caught.value.message, caught.value.next_command) == ("there is no stack 'uji' yet", "fab up --stack uji")
    with pytest.raises(OperatorError, match="there is no stack 'ujo'; did you mean uji"):
        read_outputs(project, "ujo")


def test_a_note_of_the_selected_stack_that_is_cut_is_named(project: Path) -> None:
    shutil.rmtree(project / "home/workspaces")
    run(project, "stack", "select", STACK)
    assert selected_stack(project) == STACK
    (note,) = (project / "home/workspaces").glob("*-workspace.json")
    note.write_bytes(b"{")
    with pytest.raises(OperatorError) as caught:
        selected_stack(project)
    assert caught.value.next_command == f"rm '{note}', then the same with --stack NAME"
    assert read_outputs(project, STACK).inventory == inventory()


def test_an_engine_that_is_not_there_is_made_next(project: Path) -> None:
    (project / ".venv").unlink()
    (project / ".venv/bin").mkdir(parents=True)
    shim = project / ".venv/bin/pulumi"
    shim.write_text("#!/bin/sh\nexec /nowhere/pulumi\n", encoding="ascii")
    shim.chmod(0o755)
    with pytest.raises(OperatorError, match="pulumi can't be started") as caught:
        read_outputs(project, STACK)
    assert caught.value.next_command == "make engine"
