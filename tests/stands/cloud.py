"""An AWS of the tests' own on the loopback: moto's server, with a group of hosts behind a target group."""

import http.client
import logging
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from unittest.mock import patch

from moto.acm.exceptions import CertificateNotFound
from moto.acm.models import AWSCertificateManagerBackend, CertBundle
from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.core.responses import ActionResult, EmptyResult
from moto.core.types import Base64EncodedString
from moto.ec2.responses.general import General
from moto.elbv2.models import elbv2_backends
from moto.server import ThreadedMotoServer

from infra.bridge.inventory import GroupLocation, Publication
from roles.aws import clients
from roles.aws.clients import client

REGION = "ap-southeast-3"
TAGS = {"tegak:stack": "uji", "tegak:location": "jakarta", "tegak:role": "app"}
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
}
IMAGE = "ami-0123456789abcdef0"


@dataclass
class Cloud:
    """What a test sees of it.

    Args:
        endpoint: Where it answers.
        environment: What leads a process to it.
        consoles: What each instance has printed.
        certificates: What ACM has issued, by ARN.
        held: The instances that a lifecycle hook holds.
        let_go: The instances whose hook was completed, in order.
    """

    endpoint: str
    environment: dict[str, str]
    consoles: dict[str, str] = field(default_factory=dict[str, str])
    certificates: dict[str, CertBundle] = field(default_factory=dict[str, CertBundle])
    held: set[str] = field(default_factory=set[str])
    let_go: list[str] = field(default_factory=list[str])

    def prints_keys(self, instance: str, *keys: str) -> None:
        """An instance prints its ssh host keys as cloud-init does at first boot."""
        lines = ["[   11.2] cloud-init[601]: ...", "-----BEGIN SSH HOST KEY KEYS-----", *keys]
        self.consoles[instance] = "\n".join([*lines, "-----END SSH HOST KEY KEYS-----", "[   12.3] up", ""])

    def has_certificate(self, arn: str, certificate: bytes, key: bytes, authority: bytes) -> None:
        """ACM has issued an exportable certificate."""
        region = arn.split(":")[3]
        made = CertBundle(
            ACCOUNT_ID, certificate, key, authority, region, arn, "AMAZON_ISSUED", cert_options={"Export": "ENABLED"}
        )
        self.certificates[arn] = cast("CertBundle", made)  # its metaclass says less


@dataclass(frozen=True)
class InstanceGroup:
    """A location, and the instances that its group began with."""

    location: GroupLocation
    instances: tuple[str, ...]


@contextmanager
def cloud(address: str = "127.0.0.1") -> Generator[Cloud, None, None]:
    """Run it, and lead boto3 of this process and its children to it.

    Args:
        address: Where it answers: one of this machine alone.
    """
    server = ThreadedMotoServer(ip_address=address, port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request otherwise
    server.start()
    _, port = server.get_host_and_port()
    endpoint = f"http://{address}:{port}"
    # What an earlier one in this process made is in its memory.
    link = http.client.HTTPConnection(address, port)
    link.request("POST", "/moto-api/reset")
    link.getresponse().read()
    link.close()
    seen = Cloud(endpoint, {**ENVIRONMENT, "AWS_ENDPOINT_URL": endpoint})

    def get_console_output(self: Any) -> ActionResult:  # noqa: ANN401  # its own parameters are private
        instance = str(self._get_param("InstanceId"))
        output = Base64EncodedString.from_raw_string(seen.consoles.get(instance, ""))
        return ActionResult({"InstanceId": instance, "Output": output})

    def get_certificate(_: AWSCertificateManagerBackend, arn: str) -> CertBundle:
        if arn not in seen.certificates:
            raise CertificateNotFound(arn=arn, account_id=ACCOUNT_ID)
        return seen.certificates[arn]

    def act_on_hook(self: Any) -> ActionResult:  # noqa: ANN401
        instance = str(self._get_param("InstanceId"))
        if instance not in seen.held:
            raise ValidationError(f"No active Lifecycle Action found with instance ID {instance}")
        if self._get_param("LifecycleActionResult") == "CONTINUE":
            seen.held.remove(instance)
            seen.let_go.append(instance)
        return EmptyResult()

    with (
        patch.dict(os.environ, seen.environment),
        patch.object(General, "get_console_output", get_console_output),
        patch.object(AWSCertificateManagerBackend, "get_certificate", get_certificate),
        # moto has no lifecycle actions.
        patch.object(AutoScalingResponse, "complete_lifecycle_action", act_on_hook, create=True),
        patch.object(AutoScalingResponse, "record_lifecycle_action_heartbeat", act_on_hook, create=True),
    ):
        clients.forget()
        try:
            yield seen
        finally:
            clients.forget()
            server.stop()


def make_group(count: int, tags: Mapping[str, str] | None = None, known_as: str | None = None) -> InstanceGroup:
    """A group of so many instances in service, registered with a target group.

    Args:
        count: How many.
        tags: The group's, and its instances'.
        known_as: The target group's ARN, where a program has named one already.
    """
    tags = tags or TAGS
    ec2, elb, groups = (client(name, REGION) for name in ("ec2", "elbv2", "autoscaling"))
    subnet = ec2.describe_subnets()["Subnets"][0]
    targets = elb.create_target_group(
        Name="uji", Protocol="HTTP", Port=80, VpcId=subnet["VpcId"], HealthCheckPath="/healthz"
    )["TargetGroups"][0]["TargetGroupArn"]
    if known_as:
        made = elbv2_backends[ACCOUNT_ID][REGION].target_groups
        made[known_as], targets = made[targets], known_as
        made[known_as].arn = known_as
    ec2.create_launch_template(
        LaunchTemplateName="uji", LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "c7g.large"}
    )
    groups.create_auto_scaling_group(
        AutoScalingGroupName="uji",
        LaunchTemplate={"LaunchTemplateName": "uji", "Version": "$Latest"},
        MinSize=0,
        MaxSize=20,
        DesiredCapacity=count,
        VPCZoneIdentifier=subnet["SubnetId"],
        TargetGroupARNs=[targets],
        Tags=[{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in tags.items()],
    )
    location = GroupLocation(
        name=tags["tegak:location"], kind="aws", region=REGION, tags=tags, target_group_arn=targets
    )
    return InstanceGroup(location, tuple(sorted(instances_of(groups))))


def make_bucket(name: str = "tegak-uji-publication") -> Publication:
    """A bucket as the program makes it: versioned, nothing in it can be removed for 90 days."""
    s3 = client("s3", REGION)
    s3.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}, ObjectLockEnabledForBucket=True
    )
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 90}}
    s3.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    return Publication(bucket=name, region=REGION)


def instances_of(groups: Any) -> list[str]:  # noqa: ANN401  # boto3 makes its clients' types at run time
    """The instances of all groups, whatever their state."""
    listed = groups.describe_auto_scaling_groups()["AutoScalingGroups"]
    return [str(each["InstanceId"]) for group in listed for each in group["Instances"]]
