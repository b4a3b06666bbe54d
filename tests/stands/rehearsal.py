"""A program run in this process: the recorder stands in for engine and AWS, in a second and without touching anything.

What it checks, computes and answers is what tests/stands/recording does for the real engine.
"""

import asyncio
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import patch

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime import settings as runtime_settings
from pulumi.runtime.proto import resource_pb2, source_pb2

from infra.aws.providers import SecretProvider, WhereaboutsProvider
from tests.stands.graph import STACK, Graph, Resource
from tests.stands.recording import acts, sdk
from tests.stands.recording.computed import outputs
from tests.stands.recording.naming import DEFAULTS
from tests.stands.recording.values import Properties, SecretValue, Value, plain, read_struct, write_struct
from tests.stands.recording.world import World

HOME = "ap-southeast-3"
PROJECT, NAME = "tegak", "uji"
OWN_PROVIDERS = {"Secret": SecretProvider(), "Whereabouts": WhereaboutsProvider()}
Dynamic = Mapping[str, Callable[[str], dict[str, Any]]]
"""By the last part of a type: what a resource has whose provider would touch the machine, from its name."""


class NoMocks(mocks.Mocks):
    """Nothing is made up here."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        raise NotImplementedError(args.typ)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        raise NotImplementedError(args.token)


class Rehearsal(mocks.MockMonitor):
    """Takes what a program asks of the engine.

    Args:
        dynamic: What the machine would answer.
    """

    def __init__(self, dynamic: Dynamic) -> None:
        super().__init__(NoMocks())
        self._dynamic = dynamic
        self._world = World([], 0)
        self._lock = threading.Lock()
        self.seen: list[Resource] = []

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        types = f"{parent.split('::')[2]}${type_}" if parent else type_
        return f"urn:pulumi:{NAME}::{PROJECT}::{types}::{name}"

    def RegisterResource(  # noqa: N802  # the engine's protocol
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        with self._lock:
            if urn in {each.urn for each in self.seen}:
                raise AssertionError(f"two resources have the URN {urn}")
            id_, inputs, found = self._make(request.type, request.name, read_struct(request.object))
            hidden = {name: SecretValue(found[name]) for name in request.additionalSecretOutputs if name in found}
            self.seen.append(_resource(request, urn, id_, inputs, found))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=write_struct({**found, **hidden}))

    def Invoke(self, request: Any) -> Any:  # noqa: N802, ANN401
        answer = acts.answer(request.tok, read_struct(request.args), HOME)
        return resource_pb2.ResourceInvokeResponse(**cast("dict[str, Any]", {"return": write_struct(answer)}))

    def _make(self, type_: str, name: str, news: Properties) -> tuple[str, Properties, Properties]:
        """The id, the inputs as they were completed, and what the program can read."""
        if type_.startswith("pulumi-python:dynamic"):
            return (f"{name}-id", news, {**news, **self._made_by_a_provider_of_ours(type_, name, news)})
        if not type_.startswith("aws:"):
            return "", news, {}
        kind = sdk.resource_type(type_)
        inputs, failures = acts.complete(kind, name, news, {}, name.encode())
        if failures:
            raise AssertionError(f"{type_} {name}: {'; '.join(failure.reason for failure in failures)}")
        thing = acts.make(self._world, kind, name, inputs, HOME)
        return thing.id, inputs, outputs(kind, inputs, thing.computed)

    def _made_by_a_provider_of_ours(self, type_: str, name: str, news: Properties) -> Properties:
        kind = type_.rpartition(":")[2]
        if kind in OWN_PROVIDERS:
            return cast("Properties", OWN_PROVIDERS[kind].create(cast("dict[str, Any]", plain(news))).outs or {})
        return self._dynamic[kind](name) if kind in self._dynamic else {}


def rehearse(program: Callable[[], Mapping[str, pulumi.Input[Any]]], dynamic: Dynamic | None = None) -> Graph:
    """Run a program to its end, every output known; what it asked for and gave back.

    Args:
        program: The program; what it returns are the stack's outputs.
        dynamic: What this machine would answer, where the program makes something on it.
    """
    given: dict[str, Any] = {}
    with _own_loops(), patch("pulumi.runtime.resource._get_stack_trace", source_pb2.StackTrace):
        # Where in the program each resource was asked for nobody looks at here, and it takes half of the time.
        monitor = Rehearsal(dynamic or {})
        mocks.set_mocks(NoMocks(), project=PROJECT, stack=NAME, preview=False, monitor=monitor)

        @pulumi.runtime.test  # pyright: ignore[reportUnknownMemberType]
        def body() -> pulumi.Output[None]:
            return pulumi.Output.all(**program()).apply(given.update)

        try:
            body()
        finally:
            runtime_settings.reset_options()
    stack, *rest = monitor.seen
    assert stack.type == STACK
    return Graph((Resource(stack.urn, STACK, stack.name, outputs=given), *rest))


def _resource(
    request: resource_pb2.RegisterResourceRequest, urn: str, id_: str, inputs: Properties, found: Properties
) -> Resource:
    needed = {name: tuple(each.urns) for name, each in request.propertyDependencies.items()}
    said = {key: value for key, value in inputs.items() if key != DEFAULTS}
    return Resource(
        urn,
        request.type,
        request.name,
        request.parent,
        id_,
        _shown(said),
        _shown(found),
        tuple(request.dependencies),
        needed,
        request.protect,
        secrets=frozenset(_secrets(said, "")),
        ignored=tuple(request.ignoreChanges),
    )


def _shown(properties: Properties) -> dict[str, Any]:
    return {key: plain(value) for key, value in properties.items()}


def _secrets(value: Value, path: str) -> Generator[str, None, None]:
    """Where secrets are in a value."""
    match value:
        case SecretValue():
            yield path
        case dict():
            for key, item in value.items():
                yield from _secrets(item, f"{path}.{key}".lstrip("."))
        case list():
            for index, item in enumerate(value):
                yield from _secrets(item, f"{path}[{index}]")
        case _:
            pass


@contextmanager
def _own_loops() -> Generator[None, None, None]:
    """Close the event loops that Pulumi's own harness leaves open."""
    loops: list[asyncio.AbstractEventLoop] = []
    original = asyncio.new_event_loop

    def noted() -> asyncio.AbstractEventLoop:
        loops.append(original())
        return loops[-1]

    asyncio.new_event_loop = noted
    try:
        asyncio.set_event_loop(asyncio.new_event_loop())
        yield
    finally:
        asyncio.new_event_loop = original
        asyncio.set_event_loop(None)
        for loop in loops:
            loop.close()
