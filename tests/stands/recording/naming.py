"""Names that nobody gave: as pulumi-aws makes them, from the logical name and seven hexadecimal digits.

Source: AutoName in pulumi-terraform-bridge (pkg/tfbridge/names.go), which is applied to every `name` that may be left
out; limits: the names' documentation of each service.
"""

import hashlib

from tests.stands.recording.checking import Failure
from tests.stands.recording.sdk import ResourceType
from tests.stands.recording.values import Properties, plain

DIGITS = 7
DEFAULTS = "__defaults"
"""The key of inputs under which pulumi-aws notes what it filled in itself."""

OTHER_NAMES = {"aws:s3/bucket:Bucket": "bucket"}
STARTS = {"aws:kms/alias:Alias": "alias/"}
LONGEST = {
    "aws:iam/instanceProfile:InstanceProfile": 128,
    "aws:iam/role:Role": 64,
    "aws:lb/loadBalancer:LoadBalancer": 32,
    "aws:lb/targetGroup:TargetGroup": 32,
    "aws:s3/bucket:Bucket": 63,
}
ANY_LENGTH = 255


def name_property(kind: ResourceType) -> str | None:
    """The property that holds the name, if the provider may choose it."""
    name = OTHER_NAMES.get(kind.token, "name")
    return name if name in kind.inputs and not kind.inputs[name].required else None


def with_name(kind: ResourceType, logical_name: str, news: Properties, olds: Properties, seed: bytes) -> Properties:
    """Inputs with the name that the provider chooses when the program gives none; it stays while the thing lives.

    Args:
        kind: The resource's type.
        logical_name: What the program calls it.
        news: Inputs that the program gave.
        olds: Inputs of the existing thing, as they were completed.
        seed: The engine's; another one for a replacement.
    """
    name = name_property(kind)
    if name is None or name in news or f"{name}Prefix" in news:
        return {**news, DEFAULTS: []}
    defaults = olds.get(DEFAULTS)
    if isinstance(defaults, list) and name in defaults:
        return {**news, name: olds[name], DEFAULTS: [name]}
    digest = hashlib.sha256(seed + kind.token.encode() + logical_name.encode()).hexdigest()[:DIGITS]
    start = STARTS.get(kind.token, "")
    stem = logical_name.lower() if name == "bucket" else logical_name
    return {**news, name: f"{start}{stem}-{digest}", DEFAULTS: [name]}


def check_name(kind: ResourceType, inputs: Properties) -> list[Failure]:
    """Whether the name is one that AWS takes."""
    name = name_property(kind)
    value = plain(inputs.get(name)) if name else None
    longest = LONGEST.get(kind.token, ANY_LENGTH)
    if name is None or not isinstance(value, str) or len(value) <= longest:
        return []
    return [Failure(name, f"the name '{value}' has {len(value)} characters, and {longest} are allowed")]
