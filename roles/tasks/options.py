"""Options that several tasks have, listed once: a task's own signature is made from a value with defaults."""

import functools
import inspect
from collections.abc import Callable, Collection
from dataclasses import fields

from roles.rollout.request import RolloutOptions


def option_help(only: Collection[str] = ()) -> dict[str, str]:
    """What `fab --help` says of a rollout's options.

    Args:
        only: These; all of them if empty.
    """
    wanted = [each for each in fields(RolloutOptions) if not only or each.name in only]
    return {each.name.replace("_", "-"): str(each.metadata["help"]) for each in wanted}


def takes_rollout_options(
    only: Collection[str] = (),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a task a rollout's options; it gets them as one value, `options`.

    Args:
        only: These; all of them if empty.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        named = [each for each in fields(RolloutOptions) if not only or each.name in only]
        own = inspect.signature(function)
        before = [each for each in own.parameters.values() if each.name != "options"]
        added = [inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default) for each in named]

        @functools.wraps(function)
        def run(*args: object, **given: object) -> None:
            chosen = {each.name: given.pop(each.name) for each in named if each.name in given}
            function(*args, options=RolloutOptions(**chosen), **given)  # pyright: ignore[reportArgumentType]  # typed text

        positional = [each for each in before if each.kind is not inspect.Parameter.KEYWORD_ONLY]
        keywords = [each for each in before if each.kind is inspect.Parameter.KEYWORD_ONLY]
        run.__signature__ = own.replace(parameters=[*positional, *keywords, *added])  # pyright: ignore[reportAttributeAccessIssue]  # read by inspect
        return run

    return decorate
