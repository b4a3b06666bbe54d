"""A stack's settings, read from its file: for what has to work before there is an engine or a stack."""

import json
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import cast

import yaml

from infra.bridge.errors import OperatorError
from infra.bridge.files import read_utf8
from infra.settings.stack import PROJECT, StackSettings, parse_settings
from roles.stack.names import settings_file


def read_stack_settings(project: Path, stack: str) -> StackSettings:
    """Read a stack's settings as the engine would hand them over.

    Args:
        project: The checkout.
        stack: The stack.

    Raises:
        OperatorError: There is no such stack, or a setting doesn't fit.
    """
    file = settings_file(project, stack)
    text = read_utf8(file)
    try:
        document: object = yaml.load(text, _KeysAreThereOnce)  # noqa: S506  # it is a SafeLoader
        config = _table(_table(document).get("config"))
        own = {key: value for key, value in config.items() if str(key).startswith(f"{PROJECT}:")}
        # The engine hands structured values over as JSON: what YAML has read as a date is text again.
        plain: dict[str, object] = json.loads(json.dumps(own, default=str))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        words = " ".join(str(error).split())
        raise OperatorError(
            f"stacks/{file.name} is no YAML: {words}", next_command=f"$EDITOR stacks/{file.name}"
        ) from error
    return parse_settings({key.removeprefix(f"{PROJECT}:"): value for key, value in plain.items()}, stack)


class _KeysAreThereOnce(yaml.SafeLoader):
    """YAML's loader takes the last of two values without a word; the engine refuses them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:  # noqa: FBT001, FBT002  # as it is there
        """Make a mapping, each key of which is there once."""
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                raise yaml.YAMLError(f"the key {key.value} is there twice, in lines {lines[key.value]} and {line}")
            lines[key.value] = line
        return super().construct_mapping(node, deep)


def _table(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
