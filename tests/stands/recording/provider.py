"""The provider: what the engine calls."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn, cast

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.stands.recording import acts, answers, sdk
from tests.stands.recording.checking import Failure
from tests.stands.recording.computed import CHANGE_WITH_UPDATES, Newborn, computed, outputs
from tests.stands.recording.diff import Change, NoFactsError, compare
from tests.stands.recording.values import (
    Properties,
    Unknown,
    hidden_properties,
    plain,
    read_struct,
    revealed,
    write_struct,
)
from tests.stands.recording.world import changed_world, read_world


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """What the engine asks of a provider.

    Args:
        world: The file that the account is kept in.
    """

    def __init__(self, world: Path) -> None:
        self._world = world
        self._region = ""

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=sdk.VERSION)

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "aws", "version": sdk.VERSION}))

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        region = plain(read_struct(request.args).get("region"))
        if not isinstance(region, str):  # the real one, too, refuses to start without
            _refuse(
                context, grpc.StatusCode.INVALID_ARGUMENT, "the provider has no region: pulumi config set aws:region"
            )
        self._region = region
        # As the real one answers; outputs come as plain values, unknown ones and secrets marked.
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, supports_autonaming_configuration=False
        )

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Check(self, request: Any, context: Any) -> Any:
        kind = _type(request.urn, context)
        news, olds = read_struct(request.news), read_struct(request.olds)
        inputs, failures = acts.complete(kind, _name(request.urn), news, olds, request.randomSeed)
        return provider_pb2.CheckResponse(inputs=write_struct(inputs), failures=_failures(failures))

    def Diff(self, request: Any, context: Any) -> Any:
        kind = _type(request.urn, context)
        try:
            found = compare(kind, read_struct(request.old_inputs), read_struct(request.news))
        except NoFactsError as error:
            _refuse(context, grpc.StatusCode.UNIMPLEMENTED, str(error))
        response = provider_pb2.DiffResponse
        detailed = {path: _property_diff(path, change, found.replaces) for path, change in found.changes.items()}
        return response(
            changes=response.DIFF_SOME if found.changes else response.DIFF_NONE,
            replaces=found.replaces,
            deleteBeforeReplace=found.frees_name,
            diffs=sorted({_first(path) for path in found.changes}),
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> Any:
        kind = _type(request.urn, context)
        inputs = read_struct(request.properties)
        if request.preview:
            region = acts.region_of(kind, inputs, self._region)
            later: Properties = dict.fromkeys(computed(Newborn(kind, inputs, region, 0)), Unknown())
            known: Properties = {"region": region} if "region" in later else {}
            return provider_pb2.CreateResponse(properties=write_struct(outputs(kind, inputs, {**later, **known})))
        with changed_world(self._world) as world:
            try:
                thing = acts.make(world, kind, _name(request.urn), inputs, self._region)
            except acts.TakenError as error:
                _refuse(context, grpc.StatusCode.ALREADY_EXISTS, str(error))
        return provider_pb2.CreateResponse(id=thing.id, properties=write_struct(outputs(kind, inputs, thing.computed)))

    def Read(self, request: Any, context: Any) -> Any:
        kind = _type(request.urn, context)
        region = acts.region_of(kind, read_struct(request.properties), self._region)
        thing = read_world(self._world).find(kind.token, request.id, region)
        if thing is None:
            return provider_pb2.ReadResponse()
        before = read_struct(request.inputs)
        inputs: Properties = {key: revealed(value, before.get(key)) for key, value in thing.inputs.items()}
        properties = write_struct(outputs(kind, inputs, thing.computed))
        return provider_pb2.ReadResponse(id=thing.id, properties=properties, inputs=write_struct(inputs))

    def Update(self, request: Any, context: Any) -> Any:
        kind = _type(request.urn, context)
        inputs, olds = read_struct(request.news), read_struct(request.olds)
        growing = CHANGE_WITH_UPDATES.get(kind.token, ())
        with changed_world(self._world) as world:
            thing = world.find(kind.token, request.id, acts.region_of(kind, olds, self._region))
            if thing is None:
                _refuse(context, grpc.StatusCode.NOT_FOUND, f"{kind.token} {request.id} is not there any more")
            added = {**computed(Newborn(kind, inputs, thing.region, thing.number)), **thing.computed}
            if request.preview:
                later: Properties = {**added, **dict.fromkeys(growing, Unknown())}
                return provider_pb2.UpdateResponse(properties=write_struct(outputs(kind, inputs, later)))
            thing.inputs = hidden_properties(inputs)
            thing.computed = {**added, **{name: added[name] + 1 for name in growing}}
        return provider_pb2.UpdateResponse(properties=write_struct(outputs(kind, inputs, thing.computed)))

    def Delete(self, request: Any, context: Any) -> Any:
        kind = _type(request.urn, context)
        region = acts.region_of(kind, read_struct(request.properties), self._region)
        with changed_world(self._world) as world:
            thing = world.find(kind.token, request.id, region)
            users = world.users_of(thing) if thing else []
            if users:
                user = f"{users[0].token} {users[0].name}"
                _refuse(context, grpc.StatusCode.FAILED_PRECONDITION, f"{request.id} is still used by {user}")
            world.things = [other for other in world.things if other is not thing]
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        try:
            answer = acts.answer(request.tok, read_struct(request.args), self._region)
        except (answers.NoAnswerError, sdk.UnknownTokenError) as error:
            _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return provider_pb2.InvokeResponse(**cast("dict[str, Any]", {"return": write_struct(answer)}))


def _type(urn: str, context: Any) -> sdk.ResourceType:
    try:
        return sdk.resource_type(urn.split("::")[2].rpartition("$")[2])
    except sdk.UnknownTokenError as error:
        _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]


def _refuse(context: Any, code: grpc.StatusCode, reason: str) -> NoReturn:
    context.abort(code, reason)
    raise AssertionError(reason)  # abort has raised already; its types don't say so


def _failures(failures: Iterable[Failure]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=failure.path, reason=failure.reason) for failure in failures]


def _property_diff(path: str, change: Change, replaces: Iterable[str]) -> Any:
    name = f"{change.upper()}{'_REPLACE' if _first(path) in replaces else ''}"
    return provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Value(name), inputDiff=True)


def _first(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]
