"""What no resource may be, whoever asks for it: looked at on every preview and every update, before it is made.

The checks see what the engine sees: every input, however it was computed. They need no account and no other resource;
what only the whole program shows (every bucket has its block, every alarm its target) is tested on the recorded graph.
"""

import importlib
import inspect
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import cast

import pulumi
from pulumi import Output, ResourceTransformArgs

from infra.aws.names import REQUIRED_TAGS
from infra.bridge.errors import MESSAGE_WAS_SHOWN
from infra.settings.stack import StackSettings

Props = Mapping[str, object]
SSH = 22
EVERYBODY = ("0.0.0.0/0", "::/0")
PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def refuse_bad_resources(settings: StackSettings) -> None:
    """From now on, end the program at the first resource that may not be.

    Args:
        settings: The stack's settings.
    """

    def check(args: ResourceTransformArgs) -> None:
        found = problems(args.type_, args.name, cast("Props", args.props), settings)
        for problem in found:
            pulumi.log.error(problem)
        if found:
            # What is raised here reaches the operator inside a traceback of the engine's callbacks.
            os._exit(MESSAGE_WAS_SHOWN)

    pulumi.runtime.register_resource_transform(check)


def problems(kind: str, name: str, props: Props, settings: StackSettings) -> list[str]:
    """What is wrong with a resource: a sentence for each thing.

    Args:
        kind: Its type, such as `aws:ec2/vpc:Vpc`; only those of AWS are looked at.
        name: Its name in the program.
        props: Its inputs, as the engine gets them. What is secret or not known yet is an `Output`, and passes.
        settings: The stack's settings.
    """
    if not kind.startswith("aws:"):
        return []
    short = kind.rpartition(":")[2]
    checks = [_tag_problems(kind, props), _region_problems(kind, props, settings), *_of_kind(short, props)]
    return [f"{short} {name} {problem}" for check in checks for problem in check]


def _of_kind(short: str, props: Props) -> Iterator[Iterator[str]]:
    for kinds, check in CHECKS:
        if short in kinds:
            yield check(props)


def _tag_problems(kind: str, props: Props) -> Iterator[str]:
    if "tags" not in _inputs(kind):
        return
    missing = _missing_tags(props.get("tags"))
    if missing:
        yield f"lacks the tags {', '.join(missing)} (infra.aws.names.Names.tags makes them)"


def _missing_tags(tags: object) -> list[str]:
    if isinstance(tags, Output):
        return []
    if isinstance(tags, Sequence):  # an Auto Scaling group's
        given = [str(tag.get("key")) for tag in _mappings(cast("object", tags))]
    else:
        given = list(_mapping(tags))
    return [tag for tag in REQUIRED_TAGS if tag not in given]


def _region_problems(kind: str, props: Props, settings: StackSettings) -> Iterator[str]:
    if "region" not in _inputs(kind):
        return
    region = props.get("region")
    if region is None:
        yield "names no region: it would be in the provider's, wherever that is"
    elif isinstance(region, str) and region not in settings.regions:
        yield f"is in {region}, which is no region of this stack ({', '.join(settings.regions)})"


def _rule_problems(props: Props) -> Iterator[str]:
    if props.get("type") == "egress":
        return
    sources = [props.get("cidrIpv4"), props.get("cidrIpv6")]
    sources += [*_list(props.get("cidrBlocks")), *_list(props.get("ipv6CidrBlocks"))]
    open_to = [source for source in sources if source in EVERYBODY]
    if open_to:
        yield f"is open to {open_to[0]}: only the CDN may ask, by its prefix list"
    first, last = props.get("fromPort"), props.get("toPort")
    every_port = props.get("ipProtocol", props.get("protocol")) in {"-1", "all"}
    if every_port or (isinstance(first, int | float) and isinstance(last, int | float) and first <= SSH <= last):
        yield "lets ssh in: hosts are reached through Session Manager, which needs no open port"


def _group_problems(props: Props) -> Iterator[str]:
    for rule in _mappings(props.get("ingress")):
        yield from _rule_problems(rule)


def _metadata_problems(props: Props) -> Iterator[str]:
    options = props.get("metadataOptions")
    if isinstance(options, Output):
        return
    given = _mapping(options)
    if given.get("httpEndpoint") != "disabled" and given.get("httpTokens") != "required":
        yield 'allows version 1 of the metadata service: metadata_options needs http_tokens="required"'


def _template_problems(props: Props) -> Iterator[str]:
    mappings = props.get("blockDeviceMappings")
    if not isinstance(mappings, Output):
        disks = [_mapping(disk.get("ebs")) for disk in _mappings(mappings)]
        if not disks or not all(_is_true(disk.get("encrypted")) for disk in disks):
            yield "has a disk that is not encrypted: each needs a block device mapping that says so"
    tagged = {str(spec.get("resourceType")): spec.get("tags") for spec in _mappings(props.get("tagSpecifications"))}
    for resource in ("instance", "volume"):
        missing = _missing_tags(tagged.get(resource))
        if missing:
            yield f"starts a {resource} without the tags {', '.join(missing)}"


def _instance_problems(props: Props) -> Iterator[str]:
    disks = [_mapping(props.get("rootBlockDevice")), *_mappings(props.get("ebsBlockDevices"))]
    if not all(_is_true(disk.get("encrypted")) for disk in disks):
        yield "has a disk that is not encrypted"


def _volume_problems(props: Props) -> Iterator[str]:
    if not _is_true(props.get("encrypted")):
        yield "is not encrypted"


def _access_block_problems(props: Props) -> Iterator[str]:
    missing = [block for block in BLOCKS if not _is_true(props.get(block))]
    if missing:
        yield f"lets a bucket be public: {', '.join(missing)} must be true"


def _acl_problems(props: Props) -> Iterator[str]:
    grants = json.dumps(_plain(props.get("accessControlPolicy")))
    if props.get("acl") in PUBLIC_ACLS or "/groups/global/" in grants:
        yield "makes a bucket public"


def _bucket_policy_problems(props: Props) -> Iterator[str]:
    text = props.get("policy")
    if not isinstance(text, str):
        return
    for statement in _mappings(_mapping(json.loads(text)).get("Statement")):
        principal = statement.get("Principal")
        everybody = principal == "*" or "*" in _list(_mapping(principal).get("AWS"))
        if statement.get("Effect") == "Allow" and everybody and not statement.get("Condition"):
            yield "makes a bucket public: it allows something to everybody, without a condition"


Check = Callable[[Props], Iterator[str]]
CHECKS: tuple[tuple[tuple[str, ...], Check], ...] = (
    (("SecurityGroupIngressRule", "SecurityGroupRule"), _rule_problems),
    (("SecurityGroup", "DefaultSecurityGroup"), _group_problems),
    (("LaunchTemplate", "Instance"), _metadata_problems),
    (("LaunchTemplate",), _template_problems),
    (("Instance",), _instance_problems),
    (("Volume",), _volume_problems),
    (("BucketPublicAccessBlock", "AccountPublicAccessBlock"), _access_block_problems),
    (("Bucket", "BucketAcl", "BucketObject", "BucketObjectv2"), _acl_problems),
    (("BucketPolicy",), _bucket_policy_problems),
)
"""What is checked of which kinds of resource, by the last part of their types."""


@cache
def _inputs(kind: str) -> frozenset[str]:
    """The inputs that a kind of resource can have: what can have tags must have them, what can say where must."""
    # `aws:ec2/vpc:Vpc` is pulumi_aws.ec2.Vpc. It is loaded already: the program has just made one.
    _, module, name = kind.split(":")
    package = importlib.import_module(f"pulumi_aws.{module.partition('/')[0]}")
    return frozenset(inspect.signature(getattr(package, f"{name}Args")).parameters)


def _is_true(value: object) -> bool:
    # Launch templates write their booleans as words. What isn't known yet is looked at when it is.
    return isinstance(value, Output) or value in {True, "true"}


def _mapping(value: object) -> Props:
    return cast("Props", value) if isinstance(value, Mapping) else {}


def _mappings(value: object) -> list[Props]:
    return [_mapping(item) for item in _list(value)]


def _list(value: object) -> list[object]:
    if isinstance(value, str | Mapping):
        return [cast("object", value)]
    return list(cast("Sequence[object]", value)) if isinstance(value, Sequence) else []


def _plain(value: object) -> object:
    """The value without what isn't known, as JSON can take it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[object]", value)]
    return None if isinstance(value, Output) else value
