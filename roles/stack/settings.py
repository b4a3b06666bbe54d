"""A stack's settings, read from its file: for what has to work before there is an engine or a stack."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import yaml

from infra.bridge.errors import OperatorError
from infra.settings.stack import PROJECT, StackSettings, parse_settings
from roles.stack.names import closest


def settings_file(project: Path, stack: str) -> Path:
    """Where a stack's settings are.

    Raises:
        OperatorError: There is no such stack; the message has the closest names.
    """
    directory = project / "stacks"
    known = {file.name.removeprefix("Pulumi.").removesuffix(".yaml"): file for file in directory.glob("Pulumi.*.yaml")}
    if stack not in known:
        raise OperatorError(
            f"there is no stack {stack!r:.80}; {closest(stack, known)}",
            next_command=f"cp stacks/Pulumi.lokal.yaml stacks/Pulumi.{stack:.40}.yaml, and edit it",
        )
    return known[stack]


def read_stack_settings(project: Path, stack: str) -> StackSettings:
    """Read a stack's settings as the engine would hand them over.

    Args:
        project: The checkout.
        stack: The stack.

    Raises:
        OperatorError: There is no such stack, or a setting doesn't fit.
    """
    file = settings_file(project, stack)
    try:
        document: object = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise OperatorError(
            f"stacks/{file.name} is no YAML: {' '.join(str(error).split())}", next_command=f"$EDITOR stacks/{file.name}"
        ) from error
    config = _table(_table(document).get("config"))
    own = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    # The engine hands structured values over as JSON: what YAML has read as a date is text again.
    return parse_settings(json.loads(json.dumps(own, default=str)), stack)


def _table(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
