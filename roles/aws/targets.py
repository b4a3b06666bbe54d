"""The place of hosts in a target group: taken out, put back, and what the load balancer says of each."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import GroupLocation
from roles.aws.clients import client, explained

ServerState = Literal["up", "down", "drained"]
"""What whoever divides requests says of a server: it gets some, it would but is not well, it was taken out."""

EVERY_SECONDS = 1.0
MARGIN_SECONDS = 20
"""How much longer than AWS says that it takes."""

OUT = ("draining", "unused")
"""States of a target that gets no new requests because it was taken out (elbv2, TargetHealthStateEnum)."""


def read_states(location: GroupLocation) -> dict[str, ServerState]:
    """What the load balancer says of each target, by instance; one that is not listed was taken out.

    Raises:
        OperatorError: AWS refuses, or doesn't answer.
    """
    with explained(f"reading the targets of {location.name}", location.region):
        answer = client("elbv2", location.region).describe_target_health(TargetGroupArn=location.target_group_arn)
    found: list[dict[str, Any]] = answer["TargetHealthDescriptions"]
    return {str(each["Target"]["Id"]): _state(str(each["TargetHealth"]["State"])) for each in found}


def deregister(location: GroupLocation, instance: str) -> None:
    """Send the instance no new requests; fine if it gets none.

    Raises:
        OperatorError: AWS refuses, or doesn't answer.
    """
    if _health(location, instance) not in OUT:
        with explained(f"taking {instance} out of its target group", location.region):
            _elb(location).deregister_targets(TargetGroupArn=location.target_group_arn, Targets=[{"Id": instance}])


def register(location: GroupLocation, instance: str) -> None:
    """Send the instance requests, once the load balancer finds it healthy.

    Raises:
        OperatorError: AWS refuses, or doesn't answer.
    """
    with explained(f"putting {instance} into its target group", location.region):
        _elb(location).register_targets(TargetGroupArn=location.target_group_arn, Targets=[{"Id": instance}])


def wait_until_drained(location: GroupLocation, instance: str) -> None:
    """Wait until the target group has let the instance go: its deregistration delay.

    Raises:
        OperatorError: It has not.
    """
    with explained("reading the deregistration delay", location.region):
        answer = _elb(location).describe_target_group_attributes(TargetGroupArn=location.target_group_arn)
    attributes = {each["Key"]: each["Value"] for each in answer["Attributes"]}
    seconds = int(attributes.get("deregistration_delay.timeout_seconds", 300))
    _wait(location, instance, "unused", seconds + MARGIN_SECONDS)


def wait_until_healthy(location: GroupLocation, instance: str) -> None:
    """Wait until the load balancer finds the instance healthy.

    Raises:
        OperatorError: It does not.
    """
    with explained("reading the health check", location.region):
        (group,) = _elb(location).describe_target_groups(TargetGroupArns=[location.target_group_arn])["TargetGroups"]
    seconds = int(group["HealthCheckIntervalSeconds"]) * (int(group["HealthyThresholdCount"]) + 1)
    _wait(location, instance, "healthy", seconds + MARGIN_SECONDS)


ACTS: Mapping[str, Callable[[GroupLocation, str], None]] = {
    act.__name__: act for act in (deregister, register, wait_until_drained, wait_until_healthy)
}


def _wait(location: GroupLocation, instance: str, state: str, seconds: int) -> None:
    deadline = time.monotonic() + seconds
    while (found := _health(location, instance)) != state:
        if time.monotonic() >= deadline:
            raise OperatorError(
                f"its target group says {found} after {seconds} s, not {state}",
                next_command=f"aws --region {location.region} elbv2 describe-target-health --target-group-arn "
                f"{location.target_group_arn} --targets Id={instance}",
            )
        time.sleep(EVERY_SECONDS)


def _health(location: GroupLocation, instance: str) -> str:
    with explained(f"reading the health of {instance}", location.region):
        answer = _elb(location).describe_target_health(
            TargetGroupArn=location.target_group_arn, Targets=[{"Id": instance}]
        )
    return str(answer["TargetHealthDescriptions"][0]["TargetHealth"]["State"])


def _state(state: str) -> ServerState:
    if state in OUT:
        return "drained"
    return "up" if state == "healthy" else "down"


def _elb(location: GroupLocation) -> Any:  # noqa: ANN401  # boto3 makes its clients' types at run time
    return client("elbv2", location.region)
