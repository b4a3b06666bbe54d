"""What a host of an AWS location is like when it starts."""

import base64

import pulumi
from pulumi import Input, ResourceOptions
from pulumi_aws import ec2, ssm

from infra.aws.location.boot import user_data
from infra.aws.location.context import LocationContext
from infra.aws.location.roles import HostRole
from infra.aws.location.security_groups import SecurityGroups

DEBIAN = "/aws/service/debian/release/12/latest/arm64"
"""Where Debian publishes its newest image of the release that hosts run, in every region."""

DISK_GIB = 20
DISK_DEVICE = "/dev/xvda"
"""The root disk of Debian's images."""


class HostTemplate(pulumi.ComponentResource):
    """The launch template of a location's hosts: no key pair, no public address, no disk in the clear.

    Args:
        location: The location.
        security_groups: Its security groups.
        role: What the hosts may do.
    """

    def __init__(
        self,
        location: LocationContext,
        security_groups: SecurityGroups,
        role: HostRole,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:HostTemplate", location.name, None, opts)
        self._location = location
        self.template = self._make_template(security_groups, role)
        self.register_outputs({})

    def _make_template(self, security_groups: SecurityGroups, role: HostRole) -> ec2.LaunchTemplate:
        kinds = ("instance", "volume", "network-interface")
        return ec2.LaunchTemplate(
            f"{self._location.name}-host",
            image_id=self._image(),
            instance_type=self._location.settings.instance_type,
            iam_instance_profile={"arn": role.profile.arn},
            user_data=user_data(self._location).apply(lambda script: base64.b64encode(script.encode()).decode()),
            ebs_optimized="true",
            block_device_mappings=[
                {
                    "device_name": DISK_DEVICE,
                    "ebs": {
                        "volume_type": "gp3",
                        "volume_size": DISK_GIB,
                        "encrypted": "true",
                        "kms_key_id": self._location.account.keys[self._location.region],
                        "delete_on_termination": "true",
                    },
                }
            ],
            # One hop: what a container or a proxy on the host sends doesn't reach the host's credentials.
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            network_interfaces=[
                {
                    "device_index": 0,
                    "associate_public_ip_address": "false",
                    "delete_on_termination": "true",
                    "security_groups": [security_groups.hosts.id],
                }
            ],
            tag_specifications=[{"resource_type": kind, "tags": self._location.tags("app", "app")} for kind in kinds],
            update_default_version=True,
            region=self._location.region,
            tags=self._location.tags("app", "host"),
            # A host that starts before it may do anything would fail at its first boot.
            opts=ResourceOptions(parent=self, depends_on=[role.policy]),
        )

    def _image(self) -> Input[str]:
        # Looked up when the program runs, not when a host starts: a preview shows a new image, and all hosts are alike.
        return (
            self._location.settings.image or ssm.get_parameter_output(name=DEBIAN, region=self._location.region).value
        )
