"""The hosts of an AWS location: an Auto Scaling group that is there before the night and grows with the load."""

import datetime as dt

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import autoscaling, ec2, iam, kms

from infra.aws.location.balancer import Balancer
from infra.aws.location.boot import READY_HOOK, READY_SECONDS
from infra.aws.location.context import LocationContext
from infra.aws.location.network import Network
from infra.aws.location.night import NightPlan

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
WARM_UP_SECONDS = 300
UNCHANGED = -1
"""In a scheduled action: leave as it is. Left out, it would mean 0."""

METRICS = (
    autoscaling.Metric.GROUP_DESIRED_CAPACITY,
    autoscaling.Metric.GROUP_IN_SERVICE_INSTANCES,
    autoscaling.Metric.GROUP_PENDING_INSTANCES,
    autoscaling.Metric.GROUP_TERMINATING_INSTANCES,
    autoscaling.Metric.GROUP_TOTAL_INSTANCES,
    autoscaling.Metric.WARM_POOL_WARMED_CAPACITY,
)
DISK_OPERATIONS = (
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
)


class HostGroup(pulumi.ComponentResource):
    """The group, and what makes it grow.

    Releases come by deploy, so that there is no instance refresh: a group that replaces its hosts by itself would do so
    beside a rollout, without its gate and without its lock.

    Args:
        location: The location.
        network: Its network.
        template: What its hosts are like.
        balancer: Where their requests come from.
        night: When there are more of them.
    """

    def __init__(
        self,
        location: LocationContext,
        network: Network,
        template: ec2.LaunchTemplate,
        balancer: Balancer,
        night: NightPlan,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:HostGroup", location.name, None, opts)
        self._location = location
        self._night = night
        scaling_role, disk_grant = self._let_scaling_use_the_key()
        self.group = self._make_group(template, network, balancer, scaling_role, disk_grant)
        self._hold_until_ready()
        self._grow_with_requests(balancer)
        self._schedule("night", night.starts, at_least=location.settings.hosts.night)
        self._schedule("day", night.ends, at_least=location.settings.hosts.usual)
        self.register_outputs({"name": self.group.name})

    def _let_scaling_use_the_key(self) -> tuple[iam.ServiceLinkedRole, kms.Grant]:
        """A service-linked role of this group's own, which may use the region's key: without it no disk, so no host."""
        role = iam.ServiceLinkedRole(
            f"{self._location.name}-scaling",
            aws_service_name="autoscaling.amazonaws.com",
            custom_suffix=self._location.group_name,
            description=f"Starts and ends hosts of {self._location.group_name}",
            tags=self._location.tags("app", "scaling"),
            opts=ResourceOptions(parent=self),
        )
        grant = kms.Grant(
            f"{self._location.name}-disks",
            key_id=self._location.account.keys[self._location.region],
            grantee_principal=role.arn,
            operations=list(DISK_OPERATIONS),
            region=self._location.region,
            opts=ResourceOptions(parent=self),
        )
        return role, grant

    def _make_group(
        self,
        template: ec2.LaunchTemplate,
        network: Network,
        balancer: Balancer,
        scaling_role: iam.ServiceLinkedRole,
        disk_grant: kms.Grant,
    ) -> autoscaling.Group:
        hosts = self._location.settings.hosts
        at_least = hosts.night if self._night.is_on else hosts.usual
        tags = self._location.tags("app", "app")
        return autoscaling.Group(
            f"{self._location.name}-hosts",
            name=self._location.group_name,
            min_size=at_least,
            max_size=hosts.most,
            desired_capacity=at_least,
            vpc_zone_identifiers=[subnet.id for subnet in network.private_subnets],
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            target_group_arns=[balancer.target_group.arn],
            service_linked_role_arn=scaling_role.arn,
            # With ELB, the group would end a host that a deploy takes out of the pool, and all hosts at once when a bad
            # release fails its checks. A host that only fails those checks gets nothing, and an alarm says so.
            health_check_type="EC2",
            health_check_grace_period=WARM_UP_SECONDS,
            default_instance_warmup=WARM_UP_SECONDS,
            # `up` doesn't wait for hosts: the first ones have no release yet.
            wait_for_capacity_timeout="0",
            initial_lifecycle_hooks=[
                {
                    "name": READY_HOOK,
                    "lifecycle_transition": LAUNCHING,
                    "default_result": "ABANDON",
                    "heartbeat_timeout": READY_SECONDS,
                }
            ],
            instance_maintenance_policy={"min_healthy_percentage": 100, "max_healthy_percentage": 110},
            # First what has an old template, then what came last: the hosts that deploys know stay.
            termination_policies=["OldestLaunchTemplate", "NewestInstance"],
            # Evening out the zones would end hosts for no need of ours, in the middle of a rollout or of the night.
            suspended_processes=["AZRebalance"],
            warm_pool=self._warm_pool(),
            enabled_metrics=list(METRICS),
            tags=[{"key": key, "value": value, "propagate_at_launch": True} for key, value in tags.items()],
            region=self._location.region,
            opts=ResourceOptions(parent=self, depends_on=[disk_grant], ignore_changes=["desired_capacity"]),
        )

    def _warm_pool(self) -> autoscaling.GroupWarmPoolArgs | None:
        hosts = self._location.settings.hosts
        if not hosts.warm:
            return None
        return autoscaling.GroupWarmPoolArgs(
            pool_state="Stopped",
            min_size=hosts.warm,
            # Left out, the pool would be all that the group may still grow by.
            max_group_prepared_capacity=hosts.usual + hosts.warm,
            instance_reuse_policy=autoscaling.GroupWarmPoolInstanceReusePolicyArgs(reuse_on_scale_in=True),
        )

    def _hold_until_ready(self) -> None:
        """The hook once more, as a resource: the group's own counts only when the group is made."""
        autoscaling.LifecycleHook(
            f"{self._location.name}-ready",
            name=READY_HOOK,
            autoscaling_group_name=self.group.name,
            lifecycle_transition=LAUNCHING,
            default_result="ABANDON",
            heartbeat_timeout=READY_SECONDS,
            region=self._location.region,
            opts=ResourceOptions(parent=self),
        )

    def _grow_with_requests(self, balancer: Balancer) -> None:
        label = Output.format("{0}/{1}", balancer.load_balancer.arn_suffix, balancer.target_group.arn_suffix)
        autoscaling.Policy(
            f"{self._location.name}-requests",
            autoscaling_group_name=self.group.name,
            policy_type="TargetTrackingScaling",
            target_tracking_configuration={
                "predefined_metric_specification": {
                    "predefined_metric_type": "ALBRequestCountPerTarget",
                    "resource_label": label,
                },
                "target_value": self._location.settings.hosts.requests_per_second * 60.0,  # the metric is per minute
            },
            region=self._location.region,
            # A target group without a load balancer has no such metric, and AWS refuses the policy.
            opts=ResourceOptions(parent=self, depends_on=[balancer.rule]),
        )

    def _schedule(self, name: str, moment: dt.datetime, *, at_least: int) -> None:
        """From a moment on, have at least so many hosts; how many more is for the load to say."""
        if not self._night.is_ahead(moment):
            return
        autoscaling.Schedule(
            f"{self._location.name}-{name}",
            autoscaling_group_name=self.group.name,
            scheduled_action_name=name,
            start_time=f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            min_size=at_least,
            max_size=UNCHANGED,
            desired_capacity=UNCHANGED,
            region=self._location.region,
            opts=ResourceOptions(parent=self),
        )
