"""The AWS program under mocks that also see what Pulumi's own don't: protection, parents, secrets, repeated names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks
from pulumi.runtime import settings as runtime_settings

ACCOUNT = "111122223333"
SIGNATURE, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
"""How a value that is a secret is marked on the wire (pulumi/runtime/rpc.py)."""

Inputs = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """A resource that the program asked for; what it depends on is said by type and name, as `Bucket logs`."""

    name: str
    type: str
    inputs: Inputs
    secrets: frozenset[str]
    protect: bool
    parent: str
    urn: str
    depends_on: frozenset[str]

    @property
    def region(self) -> str | None:
        return self.inputs.get("region")


def takes_tags(type_: str) -> bool:
    """Whether resources of a type can have tags, as pulumi-aws says."""
    module, _, name = type_.removeprefix("aws:").partition("/")
    resource = getattr(import_module(f"pulumi_aws.{module}"), name.rpartition(":")[2])
    return "tags" in vars(resource)


@dataclass
class Cloud(mocks.Mocks):
    """Answers as AWS would, as far as the program looks at it."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        inputs = cast("Inputs", args.inputs)  # pyright: ignore[reportUnknownMemberType]
        kind = args.typ.rpartition(":")[2]
        region = str(inputs.get("region") or "")
        answers: dict[str, Inputs] = {
            "Bucket": {"bucket": f"{args.name}-x1", "arn": f"arn:aws:s3:::{args.name}-x1"},
            "Key": {"keyId": f"{args.name}-id", "arn": f"arn:aws:kms:{region}:{ACCOUNT}:key/{args.name}"},
            "Topic": {"arn": f"arn:aws:sns:{region}:{ACCOUNT}:{inputs.get('name')}"},
            "Zone": {"zoneId": "Z1", "nameServers": ["ns1.example", "ns2.example"]},
            "KeySigningKey": {"dsRecord": "1 13 2 ABCD"},
            "Secret": {"value": f"word of {args.name}"},
            "Distribution": {
                "arn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1",
                "domainName": "d1.cloudfront.example",
                "hostedZoneId": "ZCDN",
            },
            "Certificate": {
                "domainValidationOptions": [
                    {
                        "domainName": inputs.get("domainName"),
                        "resourceRecordName": "_proof",
                        "resourceRecordType": "CNAME",
                        "resourceRecordValue": "_value",
                    }
                ]
            },
            "Record": {"fqdn": inputs.get("name")},
        }
        generic = {"arn": f"arn:aws:{kind.lower()}:{region}:{ACCOUNT}:{args.name}", "name": args.name}
        return f"{args.name}-id", {**generic, **inputs, **answers.get(kind, {})}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        if args.token.endswith(":getCallerIdentity"):
            return {"accountId": ACCOUNT, "arn": "arn", "id": ACCOUNT, "userId": "user"}, []
        raise NotImplementedError(args.token)


class Monitor(mocks.MockMonitor):
    """Notes what the program asks for, as the engine sees it."""

    def __init__(self) -> None:
        super().__init__(Cloud())
        self.made: list[Made] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802, ANN401  # the engine's protocol
        inputs, secrets = _unwrap(MessageToDict(request.object))
        parent = request.parent.rpartition("::")[2]
        answer = super().RegisterResource(request)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        for name in request.additionalSecretOutputs:
            # What the engine does with what a resource says is a secret.
            fields = answer.object.fields  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            fields[name].struct_value.update({SIGNATURE: SECRET, "value": fields[name].string_value})
        self.made.append(
            Made(
                request.name,
                request.type,
                cast("Inputs", inputs),
                frozenset(secrets),
                bool(request.protect),
                parent,
                str(answer.urn),  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
                frozenset(_kind_and_name(str(urn)) for urn in request.dependencies),
            )
        )
        return answer  # pyright: ignore[reportUnknownVariableType]


@dataclass
class Graph:
    """Everything that the program asked for."""

    made: list[Made]
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])

    def of_type(self, kind: str) -> list[Made]:
        """The resources of a type, such as `s3/bucket:Bucket`; component types by their last part."""
        return [made for made in self.made if made.type == f"aws:{kind}" or made.type.endswith(f":{kind}")]

    @property
    def of_aws(self) -> list[Made]:
        """Everything that AWS would make."""
        return [made for made in self.made if made.type.startswith("aws:")]

    def one(self, kind: str, name: str | None = None) -> Made:
        (found,) = [made for made in self.of_type(kind) if name in (None, made.name)]
        return found

    def inputs(self, kind: str, name: str | None = None) -> Inputs:
        return self.one(kind, name).inputs


def run(program: Callable[[], Mapping[str, pulumi.Input[Any]]]) -> Graph:
    """Run a program to its end, every output known, and return what it asked for and gave back."""
    outputs: dict[str, Any] = {}
    with _own_loops():
        monitor = Monitor()
        mocks.set_mocks(Cloud(), project="tegak", stack="uji", preview=False, monitor=monitor)

        @pulumi.runtime.test  # pyright: ignore[reportUnknownMemberType]
        def body() -> pulumi.Output[None]:
            return pulumi.Output.all(**program()).apply(outputs.update)

        try:
            body()
        finally:
            runtime_settings.reset_options()
    return Graph(monitor.made, outputs)


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


def _unwrap(value: object, path: str = "") -> tuple[object, list[str]]:
    """Take the marks of secrets off, and say where they were."""
    if isinstance(value, dict):
        mapping = cast("dict[str, object]", value)
        if mapping.get(SIGNATURE) == SECRET:
            inner, deeper = _unwrap(mapping["value"], path)
            return inner, [path, *deeper]
        parts = {key: _unwrap(item, f"{path}.{key}".lstrip(".")) for key, item in mapping.items()}
        return {key: part for key, (part, _) in parts.items()}, list(_flat(parts.values()))
    if isinstance(value, list):
        items = [_unwrap(item, f"{path}[{i}]") for i, item in enumerate(cast("list[object]", value))]
        return [part for part, _ in items], list(_flat(items))
    return value, []


def _kind_and_name(urn: str) -> str:
    types, _, name = urn.rpartition("::")
    return f"{types.rpartition(':')[2]} {name}"


def _flat(parts: Any) -> Iterator[str]:  # noqa: ANN401  # values and lists alike
    for _, paths in parts:
        yield from paths
