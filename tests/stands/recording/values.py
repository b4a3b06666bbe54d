"""Property values as the engine sends them: JSON, with unknown values and secrets among them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, Union, cast

from google.protobuf import json_format, struct_pb2

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  # marks a secret in Pulumi's protocol
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
FINGERPRINT = "sha256-of-a-secret"
"""The key under which the account file keeps what it may not show."""


@dataclass(frozen=True)
class SecretValue:
    """A value that nobody may see in plain text."""

    value: "Value"


@dataclass(frozen=True)
class Unknown:
    """A value that is known only when something else has been made."""


Value: TypeAlias = Union[bool, float, str, "list[Value]", "dict[str, Value]", SecretValue, Unknown, None]
Properties: TypeAlias = dict[str, Value]


def read_struct(struct: struct_pb2.Struct) -> Properties:
    """What the engine sent."""
    return {key: _read(value) for key, value in json_format.MessageToDict(struct).items()}


def write_struct(properties: Mapping[str, Value]) -> struct_pb2.Struct:
    """What the engine gets."""
    struct = struct_pb2.Struct()
    struct.update({key: _write(value) for key, value in properties.items()})
    return struct


def _read(value: Any) -> Value:
    match value:
        case str() if value == UNKNOWN_TEXT:
            return Unknown()
        case list():
            return [_read(item) for item in cast("list[Any]", value)]
        case dict():
            members = cast("dict[str, Any]", value)
            if members.get(SIGNATURE) == SECRET_SIGNATURE:
                return SecretValue(_read(members["value"]))
            return {key: _read(item) for key, item in members.items()}
        case _:
            return value


def _write(value: Value) -> Any:
    match value:
        case Unknown():
            return UNKNOWN_TEXT
        case SecretValue():
            return {SIGNATURE: SECRET_SIGNATURE, "value": _write(value.value)}
        case list():
            return [_write(item) for item in value]
        case dict():
            return {key: _write(item) for key, item in value.items()}
        case _:
            return value


def plain(value: Value) -> Value:
    """A value without its secret's cover; only for checks that show nothing of it."""
    match value:
        case SecretValue():
            return plain(value.value)
        case list():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return value


def hidden(value: Value) -> Any:
    """A value as the account file keeps it: of a secret only a fingerprint."""
    match value:
        case SecretValue():
            text = json.dumps(_write(plain(value)), sort_keys=True)
            return {FINGERPRINT: hashlib.sha256(text.encode()).hexdigest()}
        case list():
            return [hidden(item) for item in value]
        case dict():
            return {key: hidden(item) for key, item in value.items()}
        case _:
            return _write(value)


def hidden_properties(properties: Properties) -> dict[str, Any]:
    """Properties as the account file keeps them."""
    return {key: hidden(value) for key, value in properties.items()}


def revealed(kept: Any, before: Value) -> Value:
    """A value of the account file, with the secrets that the engine still knows put back.

    Args:
        kept: As `hidden` left it, or as somebody changed it since.
        before: What the engine knows; a secret with another fingerprint than the kept one is shown as that fingerprint.
    """
    if isinstance(before, SecretValue) and hidden(before) == kept:
        return before
    match kept:
        case list():
            items = cast("list[Any]", kept)
            known = before if isinstance(before, list) and len(before) == len(items) else [None] * len(items)
            return [revealed(item, old) for item, old in zip(items, known, strict=True)]
        case dict():
            members = cast("dict[str, Any]", kept)
            if FINGERPRINT in members:
                return SecretValue(members[FINGERPRINT])
            old = before if isinstance(before, dict) else {}
            return {key: revealed(item, old.get(key)) for key, item in members.items()}
        case _:
            return kept
