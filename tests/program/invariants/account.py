"""What everything in the account has."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tests.stands.graph import Graph, Resource, part, parts, texts
from tests.stands.recording.sdk import resource_type

TAGS = ("tegak:stack", "tegak:location", "tegak:role", "cost-centre")
ALARMS = ("aws:cloudwatch/compositeAlarm:CompositeAlarm", "aws:cloudwatch/metricAlarm:MetricAlarm")


def every_alarm_reaches_somebody(graph: Graph) -> Iterator[str]:
    """Its actions are switched on, and each is a topic of its region that somebody has subscribed to."""
    subscribed = {each.inputs["topic"] for each in graph.of_type("aws:sns/topicSubscription:TopicSubscription")}
    topics = {topic.arn: topic for topic in graph.of_type("aws:sns/topic:Topic")}
    for alarm in graph.of_type(*ALARMS):
        actions = texts(alarm.inputs, "alarmActions")
        if not actions or alarm.inputs.get("actionsEnabled") is False:
            yield f"the alarm {alarm.name} tells nobody"
        for action in actions:
            if action not in topics or topics[action].region != alarm.region:
                yield f"the alarm {alarm.name} tells {action}, which is no topic of {alarm.region}"
            elif action not in subscribed:
                yield f"the alarm {alarm.name} tells a topic that nobody hears, {topics[action].name}"


def everything_has_the_four_tags(graph: Graph) -> Iterator[str]:
    """Whatever can have tags, by pulumi_aws's own types, says whose it is and who pays."""
    for resource in graph.of_aws():
        if "tags" not in resource_type(resource.type).inputs:
            continue
        tags = _tags(resource)
        missing = [tag for tag in TAGS if not tags.get(tag)]
        if missing:
            yield f"the {resource.kind} {resource.name} lacks the tag {', '.join(missing)}"


def _tags(resource: Resource) -> Mapping[str, Any]:
    if not isinstance(resource.inputs.get("tags"), list):
        return part(resource.inputs, "tags")
    # An Auto Scaling group's: what is not handed on to its hosts does not count.
    return {tag["key"]: tag["value"] for tag in parts(resource.inputs, "tags") if tag.get("propagateAtLaunch")}


def every_action_is_audited(graph: Graph) -> Iterator[str]:
    """A trail writes down what is done in all regions, in a form whose changes would be seen."""
    needed = ("enableLogFileValidation", "includeGlobalServiceEvents", "isMultiRegionTrail")
    trails = graph.of_type("aws:cloudtrail/trail:Trail")
    if graph.of_aws() and not trails:
        yield "no trail writes down what is done in the account"
    for trail in trails:
        for switch in needed:
            if trail.inputs.get(switch) is not True:
                yield f"the trail {trail.name} does not say {switch}"
        if trail.inputs.get("enableLogging") is False:
            yield f"the trail {trail.name} is switched off"


def only_in(regions: Iterable[str]) -> Callable[[Graph], Iterator[str]]:
    """The invariant that nothing is in another region.

    Args:
        regions: Where things may be.
    """
    allowed = frozenset(regions)

    def everything_is_where_the_settings_say(graph: Graph) -> Iterator[str]:
        for resource in graph.of_aws():
            if resource.region and resource.region not in allowed:
                yield f"the {resource.kind} {resource.name} is in {resource.region}, which the settings don't name"

    return everything_is_where_the_settings_say
