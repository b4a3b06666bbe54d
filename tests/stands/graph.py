"""What a stack has and what a run would change, as values: read from the engine's own state and its own plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "[secret]"  # noqa: S105  # shown in place of one
NOTE_OF_THE_PROVIDER = "__defaults"
STACK = "pulumi:pulumi:Stack"


def part(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under a key; an empty one where there is none."""
    return values.get(key) or cast("Mapping[str, Any]", {})


def parts(values: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The objects in the list under a key; none where there is no list."""
    return values.get(key) or cast("list[Mapping[str, Any]]", [])


def texts(values: Mapping[str, Any], key: str) -> list[str]:
    """The texts in the list under a key; none where there is no list."""
    return values.get(key) or cast("list[str]", [])


@dataclass(frozen=True)
class Resource:
    """A resource, as the engine knows it.

    Args:
        urn: Its unique name.
        type: Such as `aws:ec2/vpc:Vpc`.
        name: What the program calls it.
        parent: URN of the component that it is part of.
        id: The provider's id; empty for a component.
        inputs: What the program said.
        outputs: What it can read.
        dependencies: URNs of what must be there first.
        property_dependencies: The same for each input.
        protect: Whether it can't be destroyed.
        aliases: URNs that it once had.
        secrets: Paths of the inputs that are secrets; of a program that was run in a test, whose inputs show them.
        ignored: Inputs whose changes count for nothing; of a program that was run in a test.
    """

    urn: str
    type: str
    name: str
    parent: str = ""
    id: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    protect: bool = False
    aliases: tuple[str, ...] = ()
    secrets: frozenset[str] = frozenset()
    ignored: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash(self.urn)

    @property
    def kind(self) -> str:
        """The last part of its type, such as `Vpc`."""
        return self.type.rpartition(":")[2]

    @property
    def arn(self) -> str:
        """Its ARN, or nothing."""
        return str(self.outputs.get("arn", ""))

    @property
    def region(self) -> str:
        """The AWS region that it is in; nothing for what is in none. Before it is made, what the program said."""
        return str(self.outputs.get("region") or self.inputs.get("region") or "")


@dataclass(frozen=True)
class Graph:
    """Everything a stack has.

    Args:
        resources: In the order in which they were made.
    """

    resources: tuple[Resource, ...]

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """The resources of some types: `aws:ec2/vpc:Vpc`, or `Vpc` where no other service has a type so called."""
        ends = tuple(f":{type_}" for type_ in types)
        return tuple(each for each in self.resources if each.type in types or each.type.endswith(ends))

    def one(self, type_: str, name: str = "") -> Resource:
        """The one resource of a type; of a name, where there are others of it."""
        (found,) = [each for each in self.of_type(type_) if name in ("", each.name)]
        return found

    def inputs(self, type_: str, name: str = "") -> Mapping[str, Any]:
        """What the program said of that resource."""
        return self.one(type_, name).inputs

    def needed_by(self, resource: Resource) -> set[tuple[str, str]]:
        """Kind and name of everything that must be there before a resource."""
        return {(each.kind, each.name) for each in self.resources if each.urn in resource.dependencies}

    def of_aws(self) -> tuple[Resource, ...]:
        """The resources that are in an AWS account."""
        return tuple(resource for resource in self.resources if resource.type.startswith("aws:"))

    def named(self, name: str, kind: str = "") -> Resource:
        """The one resource with a name; of a kind such as `Vpc`, where others have that name too."""
        (found,) = [each for each in self.resources if each.name == name and kind in ("", each.kind)]
        return found

    def by_urn(self, urn: str) -> Resource:
        """The resource with a URN."""
        (found,) = [resource for resource in self.resources if resource.urn == urn]
        return found

    def inside(self, component: Resource) -> tuple[Resource, ...]:
        """What is part of a component, and of what is part of it."""
        children = [resource for resource in self.resources if resource.parent == component.urn]
        return tuple(each for child in children for each in (child, *self.inside(child)))

    def below(self, type_: str) -> "Graph":
        """A component and all that is part of it, as a graph of its own."""
        component = self.one(type_)
        return Graph((component, *self.inside(component)))

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What the stack exports."""
        (stack,) = self.of_type(STACK)
        return stack.outputs


@dataclass(frozen=True)
class EngineStep:
    """What a run would do to a resource.

    Args:
        operation: The engine's word: create, update, replace, delete, same, …
        urn: Of which resource.
        changed: Paths of the properties that differ.
        replaced_by: Properties because of which it is replaced.
    """

    operation: str
    urn: str
    changed: tuple[str, ...] = ()
    replaced_by: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the program calls the resource."""
        return self.urn.split("::", 3)[3]


@dataclass(frozen=True)
class EnginePlan:
    """What a run would do.

    Args:
        steps: In the engine's order.
    """

    steps: tuple[EngineStep, ...]

    @property
    def changes(self) -> tuple[EngineStep, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.operation not in ("same", "refresh", "read"))

    def names(self, operation: str) -> set[str]:
        """Names of the resources that an operation is done to."""
        return {step.name for step in self.steps if step.operation == operation}


def read_graph(export: Mapping[str, Any]) -> Graph:
    """A stack's state, as `pulumi stack export` gives it."""
    resources = cast("list[dict[str, Any]]", export["deployment"].get("resources") or [])
    return Graph(tuple(_resource(entry) for entry in resources if not entry["type"].startswith("pulumi:providers:")))


def read_planned_graph(preview: Mapping[str, Any]) -> Graph:
    """What a stack would have after a run, as `pulumi preview --json` gives it; what is not known yet is not there."""
    steps = cast("list[dict[str, Any]]", preview.get("steps") or [])
    states = [step["newState"] for step in steps if step.get("newState") and step["op"] not in ("refresh", "replace")]
    return Graph(tuple(_resource(state) for state in states if not state["type"].startswith("pulumi:providers:")))


def _resource(entry: Mapping[str, Any]) -> Resource:
    needed: dict[str, list[str] | None] = entry.get("propertyDependencies") or {}
    return Resource(
        urn=entry["urn"],
        type=entry["type"],
        name=entry["urn"].split("::", 3)[3],
        parent=entry.get("parent", ""),
        id=entry.get("id", ""),
        inputs=_values(entry.get("inputs")),
        outputs=_values(entry.get("outputs")),
        dependencies=tuple(entry.get("dependencies") or ()),
        property_dependencies={name: tuple(urns or ()) for name, urns in needed.items()},
        protect=entry.get("protect", False),
        aliases=tuple(entry.get("aliases") or ()),
    )


def _values(properties: Mapping[str, Any] | None) -> dict[str, Any]:
    own = {key: value for key, value in (properties or {}).items() if key != NOTE_OF_THE_PROVIDER}
    return {key: _without_secrets(value) for key, value in own.items()}


def _without_secrets(value: Any) -> Any:  # noqa: ANN401  # JSON
    match value:
        case dict() if SIGNATURE in value:
            return SECRET
        case dict():
            return {key: _without_secrets(item) for key, item in cast("dict[str, Any]", value).items()}
        case list():
            return [_without_secrets(item) for item in cast("list[Any]", value)]
        case _:
            return value


def read_plan(preview: Mapping[str, Any]) -> EnginePlan:
    """A plan, as `pulumi preview --json` gives it."""
    return EnginePlan(
        tuple(
            EngineStep(
                step["op"],
                step["urn"],
                tuple(sorted(step.get("detailedDiff") or {})),
                tuple(step.get("replaceReasons") or ()),
            )
            for step in cast("list[dict[str, Any]]", preview.get("steps") or [])
        )
    )
