"""Whether what a program says of a resource fits pulumi_aws's own types."""

import difflib
import enum
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from tests.stands.recording.sdk import Shape, alternatives, input_shape
from tests.stands.recording.values import Properties, Unknown, Value, plain

OWN_KEYS = frozenset({"__defaults"})
"""What the provider itself adds to inputs."""

FREE = (Any, pulumi.Asset, pulumi.Archive)
"""What may be anything; a file's content is the engine's own affair."""

WORDS = {bool: "true or false", str: "text", int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class Failure:
    """What doesn't fit.

    Args:
        path: The property, such as `ingress[0].fromPort`.
        reason: A sentence.
    """

    path: str
    reason: str


def check(shape: Shape, properties: Properties, path: str = "") -> Iterator[Failure]:
    """Everything that doesn't fit: missing, unknown, or of another type."""
    dot = f"{path}." if path else ""
    for name, wanted in shape.items():
        value = properties.get(name)
        if value is None:
            if wanted.required:
                yield Failure(dot + name, f"the property '{dot}{name}' is required")
        else:
            yield from _check_value(wanted.hint, plain(value), dot + name)
    for name in sorted(set(properties) - set(shape) - OWN_KEYS):
        nearest = difflib.get_close_matches(name, shape, n=1)
        hint = f"; the nearest is '{nearest[0]}'" if nearest else ""
        yield Failure(dot + name, f"there is no property '{dot}{name}'{hint}")


def _check_value(hint: Any, value: Value, path: str) -> Iterator[Failure]:
    if value is None or isinstance(value, Unknown):
        return
    kinds = alternatives(hint)
    results = [list(_check_kind(kind, value, path)) for kind in kinds]
    if not kinds or any(not failures for failures in results):
        return
    inside = [failures for failures in results if any(failure.path != path for failure in failures)]
    if inside:  # of the right form, and wrong within: that says more than the form
        yield from inside[0]
    else:
        yield Failure(path, f"the property '{path}' must be {' or '.join(map(_words, kinds))}, and is {_shown(value)}")


def _check_kind(kind: Any, value: Value, path: str) -> Iterator[Failure]:
    origin = typing.get_origin(kind)
    if kind in FREE:
        return
    if origin is Sequence and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _check_value(typing.get_args(kind)[0], item, f"{path}[{index}]")
    elif origin is Mapping and isinstance(value, dict):
        for key, item in value.items():
            yield from _check_value(typing.get_args(kind)[1], item, f"{path}.{key}")
    elif origin is None and isinstance(value, dict) and _is_part(kind):
        yield from check(input_shape(kind), value, path)
    elif not _is_of(kind, value):
        yield Failure(path, f"the property '{path}' must be {_words(kind)}, and is {_shown(value)}")


def _is_part(kind: Any) -> bool:
    return isinstance(kind, type) and kind not in WORDS and not issubclass(kind, enum.Enum)


def _is_of(kind: Any, value: Value) -> bool:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return value in {member.value for member in kind}
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    if kind is int:
        return isinstance(value, int | float) and float(value).is_integer()
    if kind is float:
        return isinstance(value, int | float)
    return kind is str and isinstance(value, str)


def _words(kind: Any) -> str:
    if kind in WORDS:
        return WORDS[kind]
    if typing.get_origin(kind) is Sequence:
        return "a list"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return " or ".join(repr(member.value) for member in kind)
    return "an object"


def _shown(value: Value) -> str:
    """The kind of a value, never the value: it may be a secret."""
    match value:
        case bool():
            return "true or false"
        case str():
            return "text"
        case float() | int():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"
