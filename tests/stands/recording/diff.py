"""What a change of inputs means: nothing, an update in place, or another thing in its place."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from tests.stands.recording.naming import DEFAULTS, name_property
from tests.stands.recording.sdk import ResourceType
from tests.stands.recording.values import Value, plain

TABLE = Path(__file__).with_name("replacement.toml")
Change = Literal["add", "delete", "update"]


class NoFactsError(Exception):
    """The table does not say what a change of this type means; guessing would make a plan that proves nothing."""


@dataclass(frozen=True)
class Difference:
    """What differs.

    Args:
        changes: What happens to each property, by its path.
        replaces: Properties that can't be changed in place.
        frees_name: Whether the old thing has to go first, because the new one has its name.
    """

    changes: dict[str, Change]
    replaces: tuple[str, ...]
    frees_name: bool


@cache
def replacement_table() -> dict[str, list[str]]:
    """The properties that can't be changed in place, for each known type."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def compare(kind: ResourceType, olds: Mapping[str, Value], news: Mapping[str, Value]) -> Difference:
    """Compare two sets of inputs.

    Raises:
        NoFactsError: They differ, and nobody noted what that means for this type.
    """
    changes: dict[str, Change] = {}
    changed: list[str] = []
    for key in sorted({*olds, *news} - {DEFAULTS}):
        found = dict(_changes(key, plain(olds.get(key)), plain(news.get(key))))
        changes |= found
        changed += [key] if found else []
    if not changed:
        return Difference({}, (), frees_name=False)
    if kind.token not in replacement_table():
        raise NoFactsError(
            f"{', '.join(changed)} of {kind.token} changed, and {TABLE.name} does not say whether that replaces it"
        )
    fixed = {*replacement_table()[kind.token], "region"}
    replaces = tuple(key for key in changed if key in fixed)
    return Difference(changes, replaces, frees_name=bool(replaces) and _name_is_taken(kind, olds, news))


def _changes(path: str, old: Value, new: Value) -> Iterator[tuple[str, Change]]:
    if old == new:
        return
    if old is None or new is None:
        yield path, "add" if old is None else "delete"
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new} - {DEFAULTS}):
            step = f".{key}" if key.isidentifier() else f'["{key}"]'
            yield from _changes(path + step, old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _changes(f"{path}[{index}]", before, after)
    else:
        yield path, "update"


def _name_is_taken(kind: ResourceType, olds: Mapping[str, Value], news: Mapping[str, Value]) -> bool:
    """Whether a replacement has the very name that the program gave the old one, as the bridge asks."""
    name = name_property(kind)
    chosen = news.get(DEFAULTS)
    if name is None or news.get(name) is None or (isinstance(chosen, list) and name in chosen):
        return False
    return plain(olds.get(name)) == plain(news.get(name))
