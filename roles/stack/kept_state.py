"""What the engine keeps of stacks in files of this machine, where one of them was cut, and what is whole beside it.

The files are those of the engine's own back end (pkg/backend/diy): a checkpoint for each stack, the one before it
(`.bak`), one for each update, and a note of the store beside each file (`.attrs`). Where a team's states are in S3,
there is nothing here to look at.
"""

import datetime as dt
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from infra.bridge.errors import OperatorError

FILES = "file://"


def refuse_damage(project: Path, stack: str) -> None:
    """Refuse a state that the engine can't read, with what restores it.

    Args:
        project: The checkout.
        stack: The stack.

    Raises:
        OperatorError: The message has the file, and the newest copy that is whole, if there is one.
    """
    settings = cast("Mapping[str, Any]", yaml.safe_load((project / "Pulumi.yaml").read_bytes()))
    url = os.environ.get("PULUMI_BACKEND_URL") or str(settings["backend"]["url"])
    if not url.startswith(FILES):
        return
    store, name = project / url.removeprefix(FILES) / ".pulumi", str(settings["name"])
    meta = store / "meta.yaml"
    if meta.exists() and b"version:" not in meta.read_bytes():
        # The engine makes it anew.
        raise OperatorError(f"the engine's note {meta} is damaged; no host was touched", next_command=_rm(meta))
    state = store / "stacks" / name / f"{stack}.json"
    if state.exists() and _document(state) is not None:
        note = state.with_name(f"{state.name}.attrs")
        if note.exists() and _document(note) is None:
            raise OperatorError(f"the engine's note {note} is damaged; no host was touched", next_command=_rm(note))
        return
    copy = next(
        (each for each in _copies(state, store / "history" / name / stack) if _is_of_a_stack_that_is_up(each)), None
    )
    if copy is not None:
        made = dt.datetime.fromtimestamp(copy.stat().st_mtime, dt.UTC)
        raise OperatorError(
            f"the state of stack '{stack}' is {'cut off' if state.exists() else 'gone'} ({state}); "
            f"the copy of {made:%Y-%m-%d %H:%M:%S} UTC is whole; no host was touched",
            next_command=f"cp {shlex.quote(str(copy))} {shlex.quote(str(state))}",
        )
    if state.exists():
        raise OperatorError(
            f"the state of stack '{stack}' is cut off ({state}), and no copy beside it is whole; no host was touched",
            next_command=f"ls -l {shlex.quote(str(state.parent))}   # and look for it in backups of this machine",
        )


def _copies(state: Path, history: Path) -> Iterator[Path]:
    """The state before the last one, then the states after each update, the newest first."""
    before = state.with_name(f"{state.name}.bak")
    if before.exists():
        yield before
    yield from sorted(history.glob("*.checkpoint.json"), reverse=True)


def _document(file: Path) -> dict[str, object] | None:
    try:
        document: object = json.loads(file.read_bytes())
    except ValueError:
        return None
    return cast("dict[str, object]", document) if isinstance(document, dict) else None


def _is_of_a_stack_that_is_up(file: Path) -> bool:
    """Not the copy that is left of a stack which was destroyed: that one has no outputs any more."""
    document = _document(file)
    return document is not None and '"inventory"' in json.dumps(document.get("checkpoint"))


def _rm(file: Path) -> str:
    return f"rm {shlex.quote(str(file))}"
