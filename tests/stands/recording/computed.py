"""What AWS adds to a thing: its id, ARN, names and addresses, of the form that the real ones have."""

import hashlib
import json
import typing
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.stands.recording.sdk import ResourceType, Shape, alternatives, output_shape
from tests.stands.recording.values import Properties, SecretValue, Value, plain
from tests.stands.recording.world import ACCOUNT

GLOBAL = "global"
CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
"""The hosted zone of every distribution's name: https://docs.aws.amazon.com/general/latest/gr/cf_region.html."""


@dataclass(frozen=True)
class Newborn:
    """A thing that is being made.

    Args:
        kind: Its type.
        inputs: What the program said of it.
        region: Where it is, or `global`.
        number: How many things were made before it.
    """

    kind: ResourceType
    inputs: Properties
    region: str
    number: int

    def digest(self, length: int) -> str:
        """Hexadecimal digits that no other thing has."""
        return hashlib.sha256(f"{self.kind.token} {self.number}".encode()).hexdigest()[:length]

    @property
    def uuid(self) -> str:
        """An id of the form that many services have."""
        return str(uuid.UUID(self.digest(32)))

    def text(self, name: str) -> str:
        """An input that is text, or nothing."""
        value = plain(self.inputs.get(name))
        return value if isinstance(value, str) else ""

    @property
    def name(self) -> str:
        """Its name, made from the prefix if that is what the program gave."""
        return self.text("name") or self.text("bucket") or f"{self.text('namePrefix')}{self.digest(26)}"

    @property
    def parts(self) -> dict[str, str]:
        """What the forms below may contain."""
        texts = {name: value for name, value in self.inputs.items() if isinstance(value, str)}
        own = {"name": self.name, "region": self.region, "account": ACCOUNT, "uuid": self.uuid}
        return {**texts, **own, "short": self.digest(16), "long": self.digest(17), "upper": self.digest(13).upper()}


LOAD_BALANCING = "arn:aws:elasticloadbalancing:{region}:{account}"
ARNS = {
    "aws:acm/certificate:Certificate": "arn:aws:acm:{region}:{account}:certificate/{uuid}",
    "aws:cloudfront/distribution:Distribution": "arn:aws:cloudfront::{account}:distribution/E{upper}",
    "aws:cloudwatch/logGroup:LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "aws:iam/instanceProfile:InstanceProfile": "arn:aws:iam::{account}:instance-profile/{name}",
    "aws:iam/policy:Policy": "arn:aws:iam::{account}:policy/{name}",
    "aws:iam/role:Role": "arn:aws:iam::{account}:role/{name}",
    "aws:kms/key:Key": "arn:aws:kms:{region}:{account}:key/{uuid}",
    "aws:lb/listener:Listener": LOAD_BALANCING + ":listener/app/{short}/{short}",
    "aws:lb/listenerRule:ListenerRule": LOAD_BALANCING + ":listener-rule/app/{short}/{short}",
    "aws:lb/loadBalancer:LoadBalancer": LOAD_BALANCING + ":loadbalancer/app/{name}/{short}",
    "aws:lb/targetGroup:TargetGroup": LOAD_BALANCING + ":targetgroup/{name}/{short}",
    "aws:route53/zone:Zone": "arn:aws:route53:::hostedzone/Z{upper}",
    "aws:s3/bucket:Bucket": "arn:aws:s3:::{name}",
    "aws:sns/topic:Topic": "arn:aws:sns:{region}:{account}:{name}",
}
"""Source: the resource types in https://docs.aws.amazon.com/service-authorization/latest/reference/."""

IDS = {
    "aws:acm/certificate:Certificate": ARNS["aws:acm/certificate:Certificate"],
    "aws:autoscaling/group:Group": "{name}",
    "aws:cloudfront/distribution:Distribution": "E{upper}",
    "aws:cloudfront/originAccessControl:OriginAccessControl": "E{upper}",
    "aws:cloudtrail/trail:Trail": "arn:aws:cloudtrail:{region}:{account}:trail/{name}",
    "aws:cloudwatch/logGroup:LogGroup": "{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "{name}",
    "aws:iam/instanceProfile:InstanceProfile": "{name}",
    "aws:iam/policy:Policy": ARNS["aws:iam/policy:Policy"],
    "aws:iam/role:Role": "{name}",
    "aws:iam/rolePolicy:RolePolicy": "{role}:{name}",
    "aws:kms/alias:Alias": "{name}",
    "aws:lb/listener:Listener": ARNS["aws:lb/listener:Listener"],
    "aws:lb/listenerRule:ListenerRule": ARNS["aws:lb/listenerRule:ListenerRule"],
    "aws:lb/loadBalancer:LoadBalancer": ARNS["aws:lb/loadBalancer:LoadBalancer"],
    "aws:lb/targetGroup:TargetGroup": ARNS["aws:lb/targetGroup:TargetGroup"],
    "aws:route53/zone:Zone": "Z{upper}",
    "aws:s3/bucket:Bucket": "{name}",
    "aws:sns/topic:Topic": ARNS["aws:sns/topic:Topic"],
    "aws:ssm/parameter:Parameter": "{name}",
}
"""What Terraform's documentation calls the id, where it is not one that the service makes up."""

PREFIXES = {
    "EgressOnlyInternetGateway": "eigw",
    "FlowLog": "fl",
    "InternetGateway": "igw",
    "LaunchTemplate": "lt",
    "NetworkAcl": "acl",
    "RouteTable": "rtb",
    "SecurityGroup": "sg",
    "SecurityGroupEgressRule": "sgr",
    "SecurityGroupIngressRule": "sgr",
    "Subnet": "subnet",
    "Vpc": "vpc",
    "VpcEndpoint": "vpce",
}
REFERENCES = {"NetworkAclId": "acl", "RouteTableId": "rtb", "SecurityGroupId": "sg", "vpcId": "vpc"}
"""How ids of EC2 begin, by type and by the end of a property's name."""


def new_id(newborn: Newborn) -> str:
    """The id of a thing."""
    form = IDS.get(newborn.kind.token)
    if form is not None:
        return form.format(**newborn.parts)
    if newborn.kind.module in ("ec2", "vpc"):
        return f"{PREFIXES.get(newborn.kind.kind, newborn.kind.kind.lower())}-{newborn.digest(17)}"
    return newborn.uuid


def computed(newborn: Newborn) -> dict[str, Any]:
    """Every property that the program did not give and that always has a value."""
    id_ = new_id(newborn)
    values: dict[str, Any] = {}
    for name, output in newborn.kind.outputs.items():
        special = SPECIAL.get((newborn.kind.token, name))
        if special is not None:
            values[name] = special(newborn)
        elif output.required and name not in newborn.inputs and name != "tagsAll":
            values[name] = _value(newborn, id_, name, output.hint)
    return values


def _value(newborn: Newborn, id_: str, name: str, hint: Any) -> Any:
    reference = next((prefix for end, prefix in REFERENCES.items() if name.endswith(end)), None)
    kind, service = newborn.kind.kind, newborn.kind.module
    region = "" if newborn.region == GLOBAL else newborn.region
    known: Mapping[str, str] = {
        "accountId": ACCOUNT,
        "arn": ARNS.get(newborn.kind.token, f"arn:aws:{service}:{{region}}:{{account}}:{kind.lower()}/{id_}").format(
            **{**newborn.parts, "region": region}
        ),
        "name": newborn.name,
        "ownerId": ACCOUNT,
        "region": region,
        f"{kind[0].lower()}{kind[1:]}Id": id_,
    }
    if name in known:
        return known[name]
    return f"{reference}-{newborn.digest(17)}" if reference else _example(newborn, name, hint)


def _example(newborn: Newborn, name: str, hint: Any) -> Any:
    """A value of the right type."""
    kind = next(iter(alternatives(hint)), str)
    if typing.get_origin(kind) is Sequence:
        return []
    if typing.get_origin(kind) is Mapping:
        return {}
    simple: dict[Any, Any] = {
        bool: False,
        int: 0,
        float: 0.0,
        str: "" if name.endswith("Prefix") else f"{name}-{newborn.digest(8)}",
    }
    if kind in simple:
        return simple[kind]
    part: Shape = output_shape(kind)
    return {key: _example(newborn, key, inner.hint) for key, inner in part.items() if inner.required}


def _validation_options(newborn: Newborn) -> list[dict[str, str]]:
    """The records by which ACM sees that the domain is ours, one for each name of the certificate."""
    more = plain(newborn.inputs.get("subjectAlternativeNames"))
    names = dict.fromkeys(
        [newborn.text("domainName"), *(str(name) for name in (more if isinstance(more, list) else []))]
    )
    return [
        {
            "domainName": name,
            "resourceRecordName": f"_{hashlib.sha256(name.encode()).hexdigest()[:32]}.{name.removeprefix('*.')}.",
            "resourceRecordType": "CNAME",
            "resourceRecordValue": f"_{newborn.digest(32)}.acm-validations.aws.",
        }
        for name in names
    ]


def _name_servers(newborn: Newborn) -> list[str]:
    return [
        f"ns-{newborn.number + place}.awsdns-0{place}.{end}" for place, end in enumerate(("com", "net", "org", "co.uk"))
    ]


SPECIAL: dict[tuple[str, str], Callable[[Newborn], Any]] = {
    ("aws:acm/certificate:Certificate", "domainValidationOptions"): _validation_options,
    ("aws:cloudfront/distribution:Distribution", "domainName"): lambda new: f"d{new.digest(13)}.cloudfront.net",
    ("aws:cloudfront/distribution:Distribution", "hostedZoneId"): lambda _: CLOUDFRONT_ZONE,
    ("aws:ec2/launchTemplate:LaunchTemplate", "defaultVersion"): lambda _: 1,
    ("aws:ec2/launchTemplate:LaunchTemplate", "latestVersion"): lambda _: 1,
    ("aws:ec2/vpc:Vpc", "ipv6CidrBlock"): lambda new: (
        f"2406:da00:{new.number:x}:{new.digest(2)}00::/56" if new.inputs.get("assignGeneratedIpv6CidrBlock") else ""
    ),
    ("aws:kms/key:Key", "keyId"): lambda new: new.uuid,
    ("aws:lb/loadBalancer:LoadBalancer", "arnSuffix"): lambda new: f"app/{new.name}/{new.digest(16)}",
    ("aws:lb/loadBalancer:LoadBalancer", "dnsName"): lambda new: (
        f"{new.name}-{int(new.digest(7), 16)}.{new.region}.elb.amazonaws.com".lower()
    ),
    ("aws:lb/loadBalancer:LoadBalancer", "zoneId"): lambda new: f"Z{new.region.replace('-', '').upper()}",
    ("aws:lb/targetGroup:TargetGroup", "arnSuffix"): lambda new: f"targetgroup/{new.name}/{new.digest(16)}",
    ("aws:route53/zone:Zone", "nameServers"): _name_servers,
    ("aws:route53/zone:Zone", "primaryNameServer"): lambda new: _name_servers(new)[0],
    ("aws:s3/bucket:Bucket", "bucketDomainName"): lambda new: f"{new.name}.s3.amazonaws.com",
    ("aws:s3/bucket:Bucket", "bucketRegionalDomainName"): lambda new: f"{new.name}.s3.{new.region}.amazonaws.com",
}
"""What programs build on, so that its form matters."""

CHANGE_WITH_UPDATES: dict[str, tuple[str, ...]] = {"aws:ec2/launchTemplate:LaunchTemplate": ("latestVersion",)}
"""Numbers that grow with each update; what depends on them is told, as by the real provider."""


def outputs(kind: ResourceType, inputs: Properties, added: Mapping[str, Value]) -> Properties:
    """Everything that a program can read of a thing: what it said, and what AWS added.

    Args:
        kind: The thing's type.
        inputs: What the program said.
        added: What AWS added; unknown values in a preview.
    """
    said = {
        name: _as_text(value) if _is_text(kind, name) else value
        for name, value in inputs.items()
        if name in kind.outputs
    }
    tags = {"tagsAll": inputs.get("tags", {})} if "tagsAll" in kind.outputs else {}
    return {**added, **said, **tags}


def _is_text(kind: ResourceType, name: str) -> bool:
    return alternatives(kind.outputs[name].hint) == [str]


def _as_text(value: Value) -> Value:
    """Policies may be given as objects, and are read as JSON."""
    if isinstance(value, SecretValue):
        return SecretValue(_as_text(value.value))
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else value
