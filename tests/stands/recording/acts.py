"""What the account does when it is asked, whoever asks: the engine through the provider, or a program in a test."""

from collections.abc import Mapping
from typing import Any

from tests.stands.recording import answers, sdk
from tests.stands.recording.checking import Failure, check
from tests.stands.recording.computed import GLOBAL, Newborn, computed, new_id
from tests.stands.recording.naming import check_name, name_property, with_name
from tests.stands.recording.values import Properties, Value, hidden_properties, plain
from tests.stands.recording.world import Thing, World


class TakenError(Exception):
    """There is such a thing already."""


def complete(
    kind: sdk.ResourceType, name: str, news: Properties, olds: Properties, seed: bytes
) -> tuple[Properties, list[Failure]]:
    """What a program said of a thing, with the name that AWS's provider chooses; and what doesn't fit.

    Args:
        kind: The thing's type.
        name: What the program calls it.
        news: What the program said.
        olds: The same of the thing that is there.
        seed: The engine's, for a name that no other thing has.
    """
    inputs = with_name(kind, name, news, olds, seed)
    return inputs, [*check(kind.inputs, inputs), *check_name(kind, inputs)]


def region_of(kind: sdk.ResourceType, inputs: Properties, home: str) -> str:
    """Where a thing is: where the program said, or in the provider's region."""
    if "region" not in kind.inputs:
        return GLOBAL
    region = plain(inputs.get("region"))
    return region if isinstance(region, str) else home


def make(world: World, kind: sdk.ResourceType, name: str, inputs: Properties, home: str) -> Thing:
    """Make a thing.

    Args:
        world: Where it will be.
        kind: Its type.
        name: What the program calls it.
        inputs: What the program said of it, complete.
        home: The provider's region.

    Raises:
        TakenError: There is one already.
    """
    region = region_of(kind, inputs, home)
    newborn = Newborn(kind, inputs, region, world.made)
    kept = hidden_properties(inputs)
    thing = Thing(kind.token, new_id(newborn), name, region, world.made, kept, computed(newborn))
    if world.clashes_with(thing, name_property(kind)):
        raise TakenError(f"there is a {kind.token} {thing.id} already")
    world.add(thing)
    return thing


def answer(token: str, arguments: Mapping[str, Value], home: str) -> dict[str, Any]:
    """What the account answers to a question.

    Raises:
        NoAnswerError: There is no such argument, or nobody wrote an answer down.
        UnknownTokenError: There is no such question.
    """
    asked = {key: plain(value) for key, value in arguments.items()}
    return answers.answer(sdk.function(token), asked, home)
