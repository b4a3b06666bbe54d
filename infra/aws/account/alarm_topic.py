"""Whom a region's alarms reach."""

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import sns

from infra.aws.account import policies
from infra.aws.names import Names


class AlarmTopic(pulumi.ComponentResource):
    """A region's topic, with the address that its alarms are sent to: alarms reach no topic of another region.

    AWS first sends that address a link: until somebody follows it, no alarm arrives.

    Args:
        region: The region.
        names: Names and tags.
        account: The account's id.
        key: ARN of the region's key.
        email: Where alarms are sent.
    """

    def __init__(
        self,
        region: str,
        names: Names,
        account: Output[str],
        key: Output[str],
        email: str,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:AlarmTopic", f"alarm-{region}", None, opts)
        child = ResourceOptions(parent=self)
        topic = sns.Topic(
            f"alarm-{region}",
            name=names.of("alarm"),
            region=region,
            kms_master_key_id=key,
            tags=names.tags("alarm"),
            opts=child,
        )
        sns.TopicPolicy(
            f"alarm-{region}",
            arn=topic.arn,
            region=region,
            policy=Output.all(account, topic.arn).apply(
                lambda both: policies.alarm_topic_policy(both[0], region, both[1])
            ),
            opts=child,
        )
        sns.TopicSubscription(
            f"alarm-{region}", topic=topic.arn, region=region, protocol="email", endpoint=email, opts=child
        )
        self.arn: Output[str] = topic.arn
        self.register_outputs({"arn": self.arn})
