"""A stand-in for the engine: notes what the program asks for, in a second and without touching anything."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import pytest
from pulumi.runtime import mocks, settings
from pulumi.runtime.proto import resource_pb2


@dataclass(frozen=True)
class Made:
    """A resource that the program asked for."""

    name: str
    type: str
    inputs: dict[str, Any]


@dataclass(frozen=True)
class Options:
    """What the program said of a resource beside its inputs.

    Args:
        ignored: Inputs whose changes count for nothing, as the engine calls them.
        protected: Whether the engine refuses to delete it.
    """

    ignored: tuple[str, ...]
    protected: bool


class Monitor(mocks.MockMonitor):
    """Notes the options too, which mocks are not told."""

    def __init__(self, recorder: "Recorder") -> None:
        super().__init__(recorder)
        self._options = recorder.options

    def RegisterResource(  # noqa: N802
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        self._options[request.type, request.name] = Options(tuple(request.ignoreChanges), request.protect)
        return super().RegisterResource(request)  # pyright: ignore[reportUnknownMemberType]


@dataclass
class Recorder(mocks.Mocks):
    """Notes what the program asks for, and answers as a provider would."""

    made: list[Made] = field(default_factory=list[Made])
    options: dict[tuple[str, str], Options] = field(default_factory=dict[tuple[str, str], Options])

    def outputs(self, made: Made) -> dict[str, Any]:
        """What a resource has beyond its inputs."""
        raise NotImplementedError(made.type)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        inputs = cast("dict[str, Any]", args.inputs)  # pyright: ignore[reportUnknownMemberType]
        made = Made(args.name, args.typ, inputs)
        self.made.append(made)
        return f"{args.name}-id", {**inputs, **self.outputs(made)}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        raise NotImplementedError(args.token)

    def of_type(self, name: str) -> list[Made]:
        """Every resource whose type ends like this."""
        return [made for made in self.made if made.type.endswith(f":{name}")]

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """The inputs of a resource that must be there once."""
        (made,) = [made for made in self.of_type(kind) if made.name == name]
        return made.inputs


R = TypeVar("R", bound=Recorder)


@contextmanager
def recording(recorder: R, monkeypatch: pytest.MonkeyPatch) -> Generator[R, None, None]:
    """Have the recorder in the engine's place, and leave nothing open behind it."""
    # Pulumi's own harness leaves its event loops open.
    loops: list[asyncio.AbstractEventLoop] = []
    new_event_loop = asyncio.new_event_loop

    def noted() -> asyncio.AbstractEventLoop:
        loops.append(new_event_loop())
        return loops[-1]

    monkeypatch.setattr(asyncio, "new_event_loop", noted)
    asyncio.set_event_loop(asyncio.new_event_loop())
    mocks.set_mocks(recorder, project="tegak", stack="uji", preview=False, monitor=Monitor(recorder))
    yield recorder
    settings.reset_options()
    asyncio.set_event_loop(None)
    for loop in loops:
        loop.close()
