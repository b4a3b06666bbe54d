"""Stacks of this checkout, as they are planned."""

from functools import cache
from pathlib import Path

from infra.settings.stack import StackSettings
from roles.stack.settings import read_stack_settings

PROJECT = Path(__file__).resolve().parents[4]


@cache
def stack(name: str = "produksi") -> StackSettings:
    """The settings of a stack."""
    return read_stack_settings(PROJECT, name)


def with_aws(settings: StackSettings, **changes: object) -> StackSettings:
    """The same stack in another account."""
    assert settings.aws
    return settings.model_copy(update={"aws": settings.aws.model_copy(update=changes)})


def with_budget(settings: StackSettings, **changes: object) -> StackSettings:
    """The same stack with other means."""
    assert settings.budget
    return settings.model_copy(update={"budget": settings.budget.model_copy(update=changes)})
