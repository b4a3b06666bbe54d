"""The account and the CDN of a small stack, each as a program of its own under mocks."""

from collections.abc import Awaitable
from typing import Any, Literal

import pulumi
from pulumi import Output

from infra.aws.account.account import Account
from infra.aws.cdn.cdn import Cdn
from infra.aws.names import Names
from infra.aws.outputs import AccountOutputs, OriginOutputs
from infra.settings.stack import parse_settings
from tests.program.aws_mocks import ACCOUNT, Graph, run

ORIGIN_NAME, ORIGIN_SECRET = "0123456789ab.asal.contoh.id", "the word that opens"
HOME, GLOBAL = "ap-southeast-3", "us-east-1"
TOPICS = {region: f"arn:aws:sns:{region}:{ACCOUNT}:tegak-uji-alarm" for region in (HOME, GLOBAL)}

CONFIG: dict[str, Any] = {
    "server_name": "hasil.contoh.id",
    "operator_key_file": ".secrets/operator.pub",
    "locations": [
        {
            "name": "jakarta",
            "kind": "aws",
            "region": "ap-southeast-3",
            "network": "10.20.0.0/16",
            "instance_type": "c7g.large",
            "hosts": {"usual": 2, "night": 2, "most": 4},
        }
    ],
    "aws": {
        "zone": "contoh.id",
        "home_region": "ap-southeast-3",
        "replica_region": "ap-southeast-1",
        "enabled_regions": ["ap-southeast-3"],
        "cost_centre": "pemilu",
        "alarm_email": "siaga@contoh.id",
        "dnssec": True,
        "vcpu_quotas": {"ap-southeast-3": 64},
    },
    "night": {"start": "2029-02-14T12:00:00+07:00", "end": "2029-02-15T00:00:00+07:00"},
    "budget": {"night_usd": 500, "month_usd": 900, "rupiah_per_usd": 16500, "rupiah_date": "2026-11-01"},
}


def account_graph(**aws: object) -> Graph:
    settings = parse_settings({**CONFIG, "aws": CONFIG["aws"] | aws}, "uji")

    def program() -> dict[str, Any]:
        assert settings.aws
        assert settings.budget
        account = Account(Names("uji", settings.aws.cost_centre), settings, settings.aws, settings.budget)
        outputs = account.outputs
        return {
            "origin_name": pulumi.Output.unsecret(outputs.origin_name),
            "origin_names": outputs.origin_names,
            "origin_secret": pulumi.Output.unsecret(outputs.origin_secret),
            "secret": [asked(outputs.origin_name.is_secret()), asked(outputs.origin_secret.is_secret())],
            "ds_record": account.zone.ds_record,
        }

    def asked(answer: Awaitable[bool]) -> pulumi.Output[bool]:
        return pulumi.Output.from_input(answer)

    return run(program)


def cdn_graph(waf: Literal["count", "block"] = "count") -> Graph:
    settings = parse_settings({**CONFIG, "aws": CONFIG["aws"] | {"waf": waf}}, "uji")
    aws, night = settings.aws, settings.night
    assert aws
    assert night

    def known(text: str) -> Output[str]:
        return Output.from_input(text)

    def program() -> dict[str, Any]:
        account = AccountOutputs(
            names=Names("uji", "pemilu"),
            server_name="hasil.contoh.id",
            origin_name=Output.secret(ORIGIN_NAME),
            origin_names="*.asal.contoh.id",
            zone_id=known("Z1"),
            origin_secret=Output.secret(ORIGIN_SECRET),
            publication_bucket=known("publication"),
            publication_bucket_arn=known("arn:aws:s3:::publication"),
            keys={GLOBAL: known(f"arn:aws:kms:{GLOBAL}:{ACCOUNT}:key/1")},
            log_buckets={GLOBAL: known("logs-of-virginia")},
            alarm_topics={region: known(topic) for region, topic in TOPICS.items()},
        )
        origins = [
            OriginOutputs("jakarta", 8, alias=(known("lb.example"), known("ZLB"))),
            OriginOutputs("kementerian", 2, address="198.51.100.10"),
        ]
        cdn = Cdn(aws, night, account, origins)
        assert not cdn.hosts
        return {"url": cdn.url, "entry": cdn.entry}

    return run(program)
