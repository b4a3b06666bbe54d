"""Draw what a stack has in AWS: from the graph that the engine plans over the recording provider, as Mermaid text.

`make diagram` writes docs/aws-diagram.md. Nothing in it is drawn by hand: what the program no longer makes is no longer
there, and a line is there because one resource's property comes from the other.
"""

import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.stands.graph import Graph, Resource, parts, texts
from tests.stands.recorded import own_stack

PROJECT = Path(__file__).resolve().parent.parent
DOCUMENT = PROJECT / "docs/aws-diagram.md"
STACK = "produksi"

LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
GROUP = "aws:autoscaling/group:Group"
BUCKET = "aws:s3/bucket:Bucket"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
RECORD = "aws:route53/record:Record"
TOPIC = "aws:sns/topic:Topic"
WAY_OUT = "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
PUBLIC = "public"


@dataclass(frozen=True)
class Box:
    """Something that is drawn.

    Args:
        id: Its name inside the diagram.
        label: What is written in it.
        frame: What it stands in: the outermost component that it is part of.
    """

    id: str
    label: str
    frame: str


@dataclass(frozen=True, order=True)
class Line:
    """A line between two boxes.

    Args:
        source: Id of the box that it begins at.
        target: Id of the box that it leads to.
        label: What is written on it.
        dotted: Whether it is no way of a request.
    """

    source: str
    target: str
    label: str = ""
    dotted: bool = False


def draw(graph: Graph) -> str:
    """A stack's diagram, the same for the same stack whatever the order in which things were made.

    Args:
        graph: What the stack has.
    """
    boxes = sorted(_boxes(graph), key=lambda box: (box.frame, box.id))
    drawn = {box.id for box in boxes} | {PUBLIC}
    lines = sorted({line for line in _lines(graph) if line.source in drawn and line.target in drawn})
    text = ["flowchart LR", f"    {PUBLIC}(({PUBLIC}))"]
    for frame in sorted({box.frame for box in boxes}):
        text.append(f'    subgraph {_id(frame)}["{frame}"]')
        text += [f'        {box.id}["{box.label}"]' for box in boxes if box.frame == frame]
        text.append("    end")
    text += [f"    {_drawn_line(line)}" for line in lines]
    return "\n".join(text) + "\n"


def _drawn_line(line: Line) -> str:
    arrow = "-.->" if line.dotted else "-->"
    label = f'|"{line.label}"|' if line.label else ""
    return f"{line.source} {arrow}{label} {line.target}"


def _id(name: str) -> str:
    return re.sub(r"\W+", "_", name)


def _box_id(resource: Resource) -> str:
    return _id(f"{resource.kind}_{resource.name}")


def _frame(graph: Graph, resource: Resource) -> str:
    """The outermost component around a resource, with its region if it is in one."""
    around: Resource | None = None
    inner = resource
    while inner.parent:
        inner = graph.by_urn(inner.parent)
        around = inner if inner.type.startswith("tegak:") else around
    if around is None:
        return "stack"
    regions = {each.region for each in graph.inside(around) if each.type in (LOAD_BALANCER, GROUP)}
    return f"{around.name} ({regions.pop()})" if len(regions) == 1 else around.name


def _from(graph: Graph, resource: Resource, key: str, *types: str) -> list[Resource]:
    """The resources of some types that an input comes from."""
    sources = [graph.by_urn(urn) for urn in resource.property_dependencies.get(key, ())]
    return sorted((each for each in sources if each.type in types), key=lambda each: each.urn)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _hosts(graph: Graph, group: Resource) -> str:
    (template,) = _from(graph, group, "launchTemplate", "aws:ec2/launchTemplate:LaunchTemplate")
    size = f"{group.inputs['minSize']} to {group.inputs['maxSize']} hosts"
    subnets = _count(len(texts(group.inputs, "vpcZoneIdentifiers")), "private subnet")
    return f"{size}, {template.inputs['instanceType']}<br>in {subnets}"


def _alarms(graph: Graph, topic: Resource) -> str:
    alarms = [each for each in graph.of_type(ALARM) if topic in _from(graph, each, "alarmActions", TOPIC)]
    return f"{_count(len(alarms), 'alarm')} of {topic.region}"


LABELS: Mapping[str, Callable[[Graph, Resource], str]] = {
    BUCKET: lambda _, bucket: f"bucket<br>{bucket.name}",
    DISTRIBUTION: lambda _, cdn: "<br>".join(("CloudFront", *texts(cdn.inputs, "aliases"))),
    GROUP: _hosts,
    LOAD_BALANCER: lambda _, lb: f"load balancer<br>in {_count(len(texts(lb.inputs, 'subnets')), 'public subnet')}",
    TOPIC: _alarms,
    WAY_OUT: lambda _, __: "IPv6, outward only",
    "aws:cloudtrail/trail:Trail": lambda _, __: "CloudTrail",
    "aws:route53/zone:Zone": lambda _, zone: f"DNS zone<br>{zone.inputs.get('name', zone.name)}",
    "aws:wafv2/webAcl:WebAcl": lambda _, __: "firewall (WAF)",
}
"""What is drawn one by one."""


def _boxes(graph: Graph) -> Iterator[Box]:
    for type_, label in LABELS.items():
        for resource in graph.of_type(type_):
            yield Box(_box_id(resource), label(graph, resource), _frame(graph, resource))
    for record in _origins(graph):
        if texts(record.inputs, "records"):
            addresses = ", ".join(texts(record.inputs, "records"))
            yield Box(_box_id(record), f"existing machines<br>{addresses}", str(record.inputs["setIdentifier"]))
    for frame, endpoints in _endpoints(graph).items():
        services = sorted(str(each.inputs["serviceName"]).rpartition(".")[2] for each in endpoints)
        yield Box(_id(f"endpoints_{frame}"), f"endpoints<br>{', '.join(services)}", frame)


def _origins(graph: Graph) -> list[Resource]:
    """The records that lead the CDN to the locations."""
    return [record for record in graph.of_type(RECORD) if parts(record.inputs, "weightedRoutingPolicies")]


def _endpoints(graph: Graph) -> dict[str, list[Resource]]:
    """The endpoints of each frame."""
    found: dict[str, list[Resource]] = {}
    for endpoint in graph.of_type(ENDPOINT):
        found.setdefault(_frame(graph, endpoint), []).append(endpoint)
    return found


def _lines(graph: Graph) -> Iterator[Line]:
    for cdn in graph.of_type(DISTRIBUTION):
        yield from _requests(graph, cdn)
    for rule in graph.of_type("aws:lb/listenerRule:ListenerRule"):
        yield from _forwarded(graph, rule)
    for group in graph.of_type(GROUP):
        frame = _frame(graph, group)
        yield Line(_box_id(group), _id(f"endpoints_{frame}"))
        for gateway in graph.of_type(WAY_OUT):
            if _frame(graph, gateway) == frame:
                yield Line(_box_id(group), _box_id(gateway), "packages")
    for frame, endpoints in _endpoints(graph).items():
        for bucket in {each for endpoint in endpoints for each in _from(graph, endpoint, "policy", BUCKET)}:
            yield Line(_id(f"endpoints_{frame}"), _box_id(bucket), "releases, snapshots")
    yield from _records(graph)
    yield from _copies(graph)


def _requests(graph: Graph, cdn: Resource) -> Iterator[Line]:
    """From the public over the CDN to the locations, and to the snapshot behind them."""
    firewalls = _from(graph, cdn, "webAclId", "aws:wafv2/webAcl:WebAcl")
    for firewall in firewalls:
        yield Line(PUBLIC, _box_id(firewall), "https")
        yield Line(_box_id(firewall), _box_id(cdn))
    if not firewalls:
        yield Line(PUBLIC, _box_id(cdn), "https")
    for bucket in _from(graph, cdn, "origins", BUCKET):
        yield Line(_box_id(cdn), _box_id(bucket), "when no location answers", dotted=True)
    weights = {
        record.urn: int(parts(record.inputs, "weightedRoutingPolicies")[0]["weight"]) for record in _origins(graph)
    }
    for record in _origins(graph):
        share = f"{100 * weights[record.urn] / (sum(weights.values()) or 1):.0f} %"
        for target in _from(graph, record, "aliases", LOAD_BALANCER) or [record]:
            yield Line(_box_id(cdn), _box_id(target), share)


def _forwarded(graph: Graph, rule: Resource) -> Iterator[Line]:
    """From a load balancer to the hosts behind one of its rules."""
    listeners = _from(graph, rule, "listenerArn", "aws:lb/listener:Listener")
    balancers = [each for listener in listeners for each in _from(graph, listener, "loadBalancerArn", LOAD_BALANCER)]
    target_groups = _from(graph, rule, "actions", "aws:lb/targetGroup:TargetGroup")
    for group in graph.of_type(GROUP):
        if set(_from(graph, group, "targetGroupArns", "aws:lb/targetGroup:TargetGroup")) & set(target_groups):
            for balancer in balancers:
                yield Line(_box_id(balancer), _box_id(group), "with the secret")


def _records(graph: Graph) -> Iterator[Line]:
    for record in graph.of_type(RECORD):
        for zone in _from(graph, record, "zoneId", "aws:route53/zone:Zone"):
            for cdn in _from(graph, record, "aliases", DISTRIBUTION):
                yield Line(_box_id(zone), _box_id(cdn), str(record.inputs["name"]), dotted=True)


def _copies(graph: Graph) -> Iterator[Line]:
    """What is written, and where to."""
    for copy in graph.of_type("aws:s3/bucketReplicationConfig:BucketReplicationConfig"):
        for source in _from(graph, copy, "bucket", BUCKET):
            for target in _from(graph, copy, "rules", BUCKET):
                yield Line(_box_id(source), _box_id(target), "copy", dotted=True)
    for writer in graph.of_type(LOAD_BALANCER, "aws:cloudtrail/trail:Trail"):
        key = "accessLogs" if writer.type == LOAD_BALANCER else "s3BucketName"
        for bucket in _from(graph, writer, key, BUCKET):
            yield Line(_box_id(writer), _box_id(bucket), "log", dotted=True)


def document(graph: Graph, stack: str) -> str:
    """The page with a stack's diagram."""
    return (
        f"# What `{stack}` has in AWS\n\n"
        "Drawn by `make diagram` from what the program asks for; not to be edited.\n\n"
        f"```mermaid\n{draw(graph)}```\n"
    )


def main() -> int:
    """Rewrite the page; return the exit code."""
    try:
        with tempfile.TemporaryDirectory() as directory:
            graph = own_stack(STACK, Path(directory)).planned()
    except AssertionError as refusal:  # as the test bed says that the engine refused
        print(f"error: the diagram of {STACK} can't be drawn: {refusal}", file=sys.stderr)
        return 1
    DOCUMENT.write_text(document(graph, STACK), encoding="utf-8")
    print(f"{DOCUMENT.relative_to(PROJECT)}: {len(graph.of_aws())} resources in AWS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
