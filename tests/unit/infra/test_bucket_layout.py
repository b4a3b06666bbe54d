"""Where things are in the publication bucket is said once."""

import ast
from collections.abc import Iterator
from pathlib import Path

from infra.bridge import bucket_layout

PROJECT = Path(__file__).resolve().parents[3]
LAYOUT = PROJECT / "infra/bridge/bucket_layout.py"
PREFIXES = tuple(f"{value}/" for name, value in vars(bucket_layout).items() if name.endswith("_PREFIX"))


def texts(file: Path) -> Iterator[str]:
    """The texts in a program, f-strings' among them; docstrings begin otherwise."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_program_but_the_layout_names_what_keys_of_the_bucket_begin_with() -> None:
    assert len(PREFIXES) == 5
    files = [file for part in ("infra", "roles") for file in (PROJECT / part).rglob("*.py") if file != LAYOUT]
    found = [(file.name, text) for file in files for text in texts(file) if text.startswith(PREFIXES)]
    assert found == []
