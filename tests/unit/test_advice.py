"""What operators are told to type exists: each command that an error or a page names, with its options."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from invoke.collection import Collection

import fabfile
from tests.stands.lab import PROJECT

SOURCES = sorted(
    [
        PROJECT / "fabfile.py",
        *(file for part in ("infra", "roles", "tools", "app") for file in (PROJECT / part).rglob("*.py")),
    ]
)
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
PULUMI = {"up", "preview", "refresh", "destroy", "stack", "config", "cancel", "state", "login", "about", "import"}

FAB = re.compile(r"\bfab ((?:[a-z]+-)*[a-z]+)\b(?!: )((?: +(?:--?[a-z-]+|[A-Z'<…\d][^ `,;|]*))*)")
MAKE = re.compile(r"\bmake ([a-z]+(?:-[a-z]+)*)\b((?: [A-Z]+=\S+)*)")
MODULE = re.compile(r"\bpython3? -m ((?:infra|roles|tools)[a-z_.]*)(?: ([a-z]+))?")
ENGINE = re.compile(r"\bpulumi ([a-z]+)(?= -| +#|$|[,;`]| (?:set|select|ls|output|export|init|rm) )", re.MULTILINE)


@cache
def texts(file: Path) -> tuple[tuple[int, str], ...]:
    """All texts of a module but its docstrings, with their lines; what is put into them stands as X."""
    return tuple(read_texts(file))


def read_texts(file: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(each.value) if isinstance(each, ast.Constant) else "X" for each in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | parts:
            yield node.lineno, node.value


@cache
def tasks() -> dict[str, set[str]]:
    """Fabric's tasks, with the options of each."""
    collection = Collection.from_module(fabfile)
    return {
        name: {f"--{argument.name}".replace("_", "-") for argument in task.get_arguments()} | {"--help", "--json"}
        for name, task in ((name, collection[name]) for name in collection.task_names)
    }


@cache
def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def wrong(text: str) -> list[str]:
    """What of a text can't be typed."""
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    found: list[str] = []
    for match in FAB.finditer(text):
        task, options = match[1], re.findall(r"--[a-z-]+", match[2])
        if task not in tasks():
            found.append(f"fab {task}: no such task")
        found += [f"fab {task} {each}: no such option" for each in options if each not in tasks().get(task, {each})]
    for match in MAKE.finditer(text):
        variables = re.findall(r"[A-Z]+(?==)", match[2])
        if match[1] not in targets():
            found.append(f"make {match[1]}: no such target")
        found += [f"make {match[1]} {each}=: no such variable" for each in variables if f"$({each})" not in makefile]
    for module, action in MODULE.findall(text):
        actions = PROJECT / module.replace(".", "/") / "__main__.py"
        if find_spec(module) is None:
            found.append(f"python -m {module}: no such module")
        elif action and actions.exists() and f'"{action}"' not in actions.read_text(encoding="utf-8"):
            found.append(f"python -m {module} {action}: no such action")
    found += [f"pulumi {verb}: no such command" for verb in ENGINE.findall(text) if verb not in PULUMI]
    return found


def test_every_command_that_is_said_can_be_typed() -> None:
    told = [
        f"{file.relative_to(PROJECT)}:{line}: {each}"
        for file in SOURCES
        for line, text in texts(file)
        for each in wrong(text)
    ]
    assert told == []


def test_the_commands_that_errors_name_are_seen() -> None:
    seen = [match for file in SOURCES for _, text in texts(file) for match in FAB.findall(text) + MAKE.findall(text)]
    assert len(seen) > 100


def test_every_command_on_a_page_can_be_typed() -> None:
    typed = re.compile(r"`([^`\n]+)`|^    ([^#\n]+)", re.MULTILINE)
    told = [
        f"{page.relative_to(PROJECT)}: {each}"
        for page in PAGES
        for inline, block in typed.findall(page.read_text(encoding="utf-8"))
        for each in wrong(inline or block)
    ]
    assert told == []


@pytest.mark.parametrize(
    "text",
    [
        "make nowhere",
        "make down NOWHERE=x",
        "fab nowhere",
        "fab up --nowhere",
        "fab up --stack X --nowhere 2",
        "fab status, then fab nowhere",
        ".venv/bin/python -m infra.nowhere",
        ".venv/bin/python -m infra.lab nowhere X",
        "pulumi nowhere -s X",
        "fab status, or X=2 pulumi nowhere",
    ],
)
def test_a_command_that_does_not_exist_is_found(text: str) -> None:
    assert len(wrong(text)) == 1
