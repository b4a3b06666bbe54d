"""The account: a JSON file with everything that was made and not deleted, over as many runs as one likes."""

import fcntl
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

WORLD_VARIABLE = "TEGAK_RECORDED_WORLD"
"""Names the file that the account is kept in."""

ACCOUNT = "123456789012"
SHARE_NAMES = {"aws:route53/zone:Zone"}
"""Types of which two things may have one name: there are public and private zones of one domain."""

OWNERS = ("vpcId", "autoscalingGroupName")
"""A security group's name is its VPC's affair, a lifecycle hook's its group's."""


@dataclass
class Thing:
    """Something in the account.

    Args:
        token: Its type.
        id: Its id.
        name: What the program calls it.
        region: Where it is; `global` for what is in no region.
        number: How many things were made before it.
        inputs: What it was made with; of secrets only fingerprints. A test may change it, as one would at a console.
        computed: What AWS added.
    """

    token: str
    id: str
    name: str
    region: str
    number: int
    inputs: dict[str, Any]
    computed: dict[str, Any]


class World:
    """An account's content, while nobody else changes it.

    Args:
        things: What is there.
        made: How many things were ever made; ids come from it, so that none comes twice.
    """

    def __init__(self, things: list[Thing], made: int) -> None:
        self.things = things
        self.made = made

    def find(self, token: str, id_: str, region: str) -> Thing | None:
        """The thing of a type with an id; where names are ids, each region has its own."""
        wanted = (token, id_, region)
        return next((thing for thing in self.things if (thing.token, thing.id, thing.region) == wanted), None)

    def add(self, thing: Thing) -> None:
        """Put something new into it."""
        self.things.append(thing)
        self.made += 1

    def clashes_with(self, thing: Thing, name_property: str | None) -> bool:
        """Whether something has a new thing's id already, or its name in the same region where names must differ."""
        if self.find(thing.token, thing.id, thing.region):
            return True
        if name_property is None or thing.token in SHARE_NAMES or name_property not in thing.inputs:
            return False
        keys = (name_property, *OWNERS)
        others = [other for other in self.things if (other.token, other.region) == (thing.token, thing.region)]
        return any(all(other.inputs.get(key) == thing.inputs.get(key) for key in keys) for other in others)

    def users_of(self, thing: Thing) -> list[Thing]:
        """What has a thing's ARN among its inputs, or its id if AWS made that up: AWS keeps what is still used."""
        given = {value for value in thing.inputs.values() if isinstance(value, str)}
        names = {thing.id, thing.computed.get("arn")} - given - {None}
        return [other for other in self.things if other is not thing and _mentions(other.inputs, names)]


def _mentions(value: Any, names: set[Any]) -> bool:
    match value:
        case dict():
            return any(_mentions(item, names) for item in cast("dict[str, Any]", value).values())
        case list():
            return any(_mentions(item, names) for item in cast("list[Any]", value))
        case _:
            return value in names


def read_world(file: Path) -> World:
    """What is in the account."""
    if not file.exists():
        return World([], 0)
    document = json.loads(file.read_text(encoding="utf-8"))
    return World([Thing(**thing) for thing in document["things"]], document["made"])


@contextmanager
def changed_world(file: Path) -> Generator[World, None, None]:
    """The account, to be changed: written when the block ends without an error."""
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        world = read_world(file)
        yield world
        new = file.with_suffix(".new")
        document = {"made": world.made, "things": [vars(thing) for thing in world.things]}
        new.write_text(json.dumps(document, sort_keys=True), encoding="utf-8")
        new.replace(file)
