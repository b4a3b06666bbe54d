"""An AWS location under mocks."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from pulumi import Output
from pulumi.runtime import mocks

from infra.aws.location.certificates import OriginCertificates
from infra.aws.location.location import make_aws_locations
from infra.aws.names import Names
from infra.aws.outputs import AccountOutputs
from infra.settings.location import AwsLocationSettings
from infra.settings.stack import StackSettings, parse_settings
from infra.weights import dns_weights
from tests.program.mocks import Made, Recorder

ACCOUNT_ID = "123456789012"
SECRET = "rahasia-asal"  # noqa: S105
SIGNERS = 'release@tegak namespaces="tegak-release,tegak-snapshot,tegak-start" ssh-ed25519 BBBB'
HOME, OTHER = "ap-southeast-3", "ap-southeast-1"
BEFORE = dt.datetime(2029, 1, 1, tzinfo=dt.UTC)
REGIONS = (HOME, OTHER, "us-east-1")

CONFIG: dict[str, Any] = {
    "server_name": "hasil.uji.test",
    "operator_key_file": ".secrets/operator.pub",
    "locations": [
        {
            "name": "jakarta",
            "kind": "aws",
            "region": HOME,
            "network": "10.20.0.0/16",
            "instance_type": "c7g.xlarge",
            "hosts": {"usual": 3, "night": 8, "most": 16, "warm": 4, "requests_per_second": 900},
            "reserved_units": 500,
        },
        {
            "name": "singapura",
            "kind": "aws",
            "region": OTHER,
            "network": "10.30.0.0/20",
            "zones": 2,
            "instance_type": "c7g.large",
            "image": "ami-0123456789abcdef0",
            "hosts": {"usual": 2, "night": 2, "most": 4},
        },
    ],
    "aws": {
        "zone": "uji.test",
        "home_region": HOME,
        "replica_region": OTHER,
        "enabled_regions": [HOME],
        "cost_centre": "uji",
        "alarm_email": "siaga@uji.test",
        "vcpu_quotas": {HOME: 96, OTHER: 96},
    },
    "night": {"start": "2029-02-14T12:00:00+07:00", "end": "2029-02-15T00:00:00+07:00"},
    "budget": {"night_usd": 1, "month_usd": 1, "rupiah_per_usd": 1, "rupiah_date": "2026-11-01"},
}


@dataclass
class AwsRecorder(Recorder):
    """Answers as AWS would."""

    def outputs(self, made: Made) -> dict[str, Any]:
        arn = f"arn:aws:made:{made.inputs.get('region')}:{ACCOUNT_ID}:{made.type.rpartition(':')[2]}/{made.name}"
        own = {"arn": arn, "arnSuffix": f"suffix/{made.name}", "name": made.inputs.get("name", made.name)}
        kind = made.type.rpartition(":")[2]
        answers = {
            "Vpc": {"ipv6CidrBlock": "2406:da18:123:4500::/56"},
            "LoadBalancer": {"dnsName": f"{made.name}.elb.test", "zoneId": "ZELB"},
            "LaunchTemplate": {"latestVersion": 7},
            "Certificate": {
                "domainValidationOptions": [
                    {
                        "domainName": made.inputs.get("domainName"),
                        "resourceRecordName": "_proof.asal.uji.test.",
                        "resourceRecordType": "CNAME",
                        "resourceRecordValue": "_value.acm-validations.aws.",
                    }
                ]
            },
            "Record": {"fqdn": "_proof.asal.uji.test"},
        }
        return {**own, **answers.get(kind, {})}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        asked = cast("dict[str, Any]", args.args)  # pyright: ignore[reportUnknownMemberType]
        region = asked.get("region")
        match args.token.rpartition(":")[2]:
            case "getAvailabilityZones":
                return {"names": [f"{region}{letter}" for letter in "abc"]}, []
            case "getManagedPrefixList":
                return {"id": f"pl-{asked['name']}"}, []
            case "getCallerIdentity":
                return {"accountId": ACCOUNT_ID}, []
            case "getParameter":
                return {"value": f"ami-of-{region}:{asked['name']}"}, []
            case _:
                raise NotImplementedError(args.token)


def account() -> AccountOutputs:
    """What the account's part would give."""
    return AccountOutputs(
        names=Names("uji", "uji"),
        server_name="hasil.uji.test",
        origin_name=Output.from_input("0123456789ab.asal.uji.test"),
        origin_names="*.asal.uji.test",
        zone_id=Output.from_input("ZUJI"),
        origin_secret=Output.secret(SECRET),
        publication_bucket=Output.from_input("terbitan"),
        publication_bucket_arn=Output.from_input("arn:aws:s3:::terbitan"),
        keys={r: Output.from_input(f"arn:aws:kms:{r}:{ACCOUNT_ID}:key/{r}") for r in REGIONS},
        log_buckets={r: Output.from_input(f"log-{r}") for r in REGIONS},
        alarm_topics={r: Output.from_input(f"arn:aws:sns:{r}:{ACCOUNT_ID}:siaga") for r in REGIONS},
    )


def changed(**first: object) -> StackSettings:
    """The settings, with something of the first location changed."""
    locations = [{**CONFIG["locations"][0], **first}, CONFIG["locations"][1]]
    return parse_settings({**CONFIG, "locations": locations}, "uji")


def make(
    settings: StackSettings | None = None,
    *,
    now: dt.datetime = BEFORE,
    operator_key: str = "ssh-ed25519 AAAA op",
    signers: str = SIGNERS,
    look: Callable[[list[Any]], object] | None = None,
) -> None:
    """Run the program, and look at what its locations give once everything is known."""
    stack = settings or changed()

    @pulumi.runtime.test  # pyright: ignore[reportUnknownMemberType]
    def program() -> Output[object]:
        weights = dns_weights({location.name: location.hosts.night for location in stack.of_kind(AwsLocationSettings)})
        shared = account()
        certificates = OriginCertificates(shared, [location.region for location in stack.of_kind(AwsLocationSettings)])
        locations = make_aws_locations(stack, shared, certificates, weights, operator_key, signers, now)
        given = [value for location in locations for value in (*(location.origin.alias or ()), location.entry)]
        return Output.all(*given).apply(lambda known: look(known) if look else None)

    program()
