"""What pulumi_aws says of its own resource types: read from its annotations, module by module, when asked."""

import importlib
import inspect
import sys
import threading
import types
import typing
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any, cast

import pulumi
from pulumi.runtime import rpc

PACKAGE = "pulumi_aws"
VERSION = metadata.version(PACKAGE)
_IMPORTING = threading.Lock()
"""pulumi_aws loads its modules when they are first used, and is in disorder when two threads use one first."""


class UnknownTokenError(Exception):
    """pulumi_aws has no resource type or function of this name."""


@dataclass(frozen=True)
class Property:
    """A property of a resource type, of a part of one, or of a function.

    Args:
        name: As the engine knows it, in camelCase.
        python_name: As programs know it, in snake_case.
        hint: Its annotation.
        required: Whether it can't be left out; of an output: whether it always has a value.
    """

    name: str
    python_name: str
    hint: Any
    required: bool


Shape = Mapping[str, Property]
"""The properties of something by their names."""


@dataclass(frozen=True)
class ResourceType:
    """A resource type.

    Args:
        token: Such as `aws:ec2/vpc:Vpc`.
        inputs: What a program may say.
        outputs: What it gets back.
    """

    token: str
    inputs: Shape
    outputs: Shape

    @property
    def module(self) -> str:
        """The service, such as `ec2`."""
        return self.token.split(":")[1].split("/")[0]

    @property
    def takes_tags(self) -> bool:
        """Whether resources of this type can have tags."""
        return "tags" in self.inputs

    @property
    def kind(self) -> str:
        """The last part of the token, such as `Vpc`."""
        return self.token.rpartition(":")[2]


@cache
def resource_type(token: str) -> ResourceType:
    """Everything that pulumi_aws says of a resource type.

    Raises:
        UnknownTokenError: It has none of this name.
    """
    with _IMPORTING:
        importlib.import_module(PACKAGE)  # registers the table of its modules
        key = token.split(":")[1] if token.count(":") == 2 else ""  # package:module:name
        module = cast("Any", rpc.get_resource_module("aws", key, ""))
        name = module.mod_info["classes"].get(token) if module else None
        if name is None:
            raise UnknownTokenError(f"pulumi_aws {VERSION} has no resource type {token}")
        cls = getattr(importlib.import_module(module.mod_info["fqn"]), name)
        return ResourceType(token, input_shape(_arguments_of(cls)), output_shape(cls))


def _arguments_of(cls: Any) -> type:
    """The class that a constructor takes as `args`."""
    for overload in typing.get_overloads(cls.__init__):
        parameter = inspect.signature(overload).parameters.get("args")
        if parameter is not None:
            return next(kind for kind in alternatives(parameter.annotation) if isinstance(kind, type))
    raise UnknownTokenError(f"{cls.__name__} has no constructor that takes its arguments as an object")


@cache
def input_shape(cls: type) -> Shape:
    """The properties of a class of arguments; what its constructor has no default for is required."""
    parameters = inspect.signature(cls).parameters
    return {
        name: Property(name, python_name, hint, parameters[python_name].default is inspect.Parameter.empty)
        for name, (python_name, hint) in _annotated(cls).items()
        if python_name in parameters
    }


@cache
def output_shape(cls: type) -> Shape:
    """The properties of a resource or of a part of one, as it is read; what may be None is not required."""
    return {
        name: Property(name, python_name, hint, not may_be_none(hint))
        for name, (python_name, hint) in _annotated(cls).items()
    }


def _annotated(cls: type) -> dict[str, tuple[str, Any]]:
    """Python name and annotation of everything that the SDK marks as a property, by its name for the engine."""
    names = {"Output": pulumi.Output, "T": type(None)}  # in pulumi.Input both stand as text
    found: dict[str, tuple[str, Any]] = {}
    for python_name, attribute in inspect.getmembers(cls, lambda member: isinstance(member, property)):
        name = getattr(attribute.fget, "_pulumi_name", None)
        if name is not None:
            hints = typing.get_type_hints(attribute.fget, globalns=vars(sys.modules[cls.__module__]), localns=names)
            found[name] = (python_name, unwrapped(hints.get("return")))
    return found


def unwrapped(hint: Any) -> Any:
    """An output's annotation without `Output`."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is pulumi.Output else hint


def may_be_none(hint: Any) -> bool:
    """Whether None is one of an annotation's alternatives."""
    return _is_union(hint) and type(None) in typing.get_args(hint)


def alternatives(hint: Any) -> list[Any]:
    """What a value may be: an annotation without None, and without the wrappers that a program may put around it."""
    if not _is_union(hint):
        return [hint]
    found: list[Any] = []
    for member in typing.get_args(hint):
        if member is not type(None) and typing.get_origin(member) not in (Awaitable, pulumi.Output):
            found += [kind for kind in alternatives(member) if not typing.is_typeddict(kind)]
    return found


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


@dataclass(frozen=True)
class Function:
    """A data source.

    Args:
        token: Such as `aws:ec2/getAmi:getAmi`.
        arguments: The names of its arguments.
        results: What it answers.
    """

    token: str
    arguments: frozenset[str]
    results: Shape


@cache
def function(token: str) -> Function:
    """Everything that pulumi_aws says of a data source.

    Raises:
        UnknownTokenError: It has none of this name.
    """
    _, place, name = token.split(":")
    module_name = place.split("/")[0]
    with _IMPORTING:
        module = importlib.import_module(PACKAGE if module_name == "index" else f"{PACKAGE}.{module_name}")
        function = getattr(module, _snake_case(name), None)
    if function is None:
        raise UnknownTokenError(f"pulumi_aws {VERSION} has no function {token}")
    result = typing.get_type_hints(function, localns={"T": type(None)})["return"]
    arguments = frozenset(_camel_case(word) for word in inspect.signature(function).parameters if word != "opts")
    return Function(token, arguments, output_shape(result))


def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
