"""The diagram shows what the graph has, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from tests.stands.graph import Graph, Resource
from tools.diagram import document, draw

STACK = "urn:pulumi:uji::tegak::pulumi:pulumi:Stack::tegak-uji"


def made(type_: str, name: str, parent: str = "", needs: dict[str, str] | None = None, **inputs: Any) -> Resource:  # noqa: ANN401
    return Resource(
        name,
        type_,
        name,
        parent or STACK,
        inputs=inputs,
        outputs={"region": "ap-southeast-3"},
        property_dependencies={key: tuple(urns.split()) for key, urns in (needs or {}).items()},
    )


SECOND: dict[str, Any] = {
    "setIdentifier": "kementerian",
    "records": ["198.51.100.10"],
    "weightedRoutingPolicies": [{"weight": 1}],
}
RESOURCES = (
    Resource(STACK, "pulumi:pulumi:Stack", "tegak-uji"),
    made("tegak:aws:Cdn", "cdn"),
    made("tegak:aws:Location", "jakarta"),
    made("tegak:aws:Balancer", "balancer", "jakarta"),
    made("aws:s3/bucket:Bucket", "snapshots"),
    made("aws:s3/bucket:Bucket", "logs"),
    made("aws:wafv2/webAcl:WebAcl", "firewall", "cdn"),
    made(
        "aws:cloudfront/distribution:Distribution",
        "site",
        "cdn",
        {"webAclId": "firewall", "origins": "snapshots firewall"},
        aliases=["hasil.test"],
    ),
    made("aws:lb/loadBalancer:LoadBalancer", "lb", "balancer", {"accessLogs": "logs"}, subnets=["a", "b"]),
    made("aws:lb/listener:Listener", "https", "balancer", {"loadBalancerArn": "lb"}),
    made("aws:lb/targetGroup:TargetGroup", "app", "balancer"),
    made("aws:lb/listenerRule:ListenerRule", "rule", "balancer", {"listenerArn": "https", "actions": "app"}),
    made("aws:ec2/launchTemplate:LaunchTemplate", "host", "jakarta", instanceType="c7g.large"),
    made(
        "aws:autoscaling/group:Group",
        "hosts",
        "jakarta",
        {"targetGroupArns": "app", "launchTemplate": "host"},
        minSize=2,
        maxSize=4,
        vpcZoneIdentifiers=["c"],
    ),
    made("aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway", "way-out", "jakarta"),
    made("aws:ec2/vpcEndpoint:VpcEndpoint", "s3", "jakarta", {"policy": "snapshots"}, serviceName="com.amazonaws.x.s3"),
    made("aws:ec2/vpcEndpoint:VpcEndpoint", "logs-api", "jakarta", serviceName="com.amazonaws.x.logs"),
    made(
        "aws:route53/record:Record",
        "to-jakarta",
        needs={"aliases": "lb"},
        setIdentifier="jakarta",
        weightedRoutingPolicies=[{"weight": 3}],
    ),
    made("aws:route53/record:Record", "to-kementerian", **SECOND),
    made("aws:sns/topic:Topic", "alarm"),
    made("aws:cloudwatch/metricAlarm:MetricAlarm", "errors", "jakarta", {"alarmActions": "alarm"}),
)
GRAPH = Graph(RESOURCES)
EXPECTED = """\
flowchart LR
    public((public))
    subgraph cdn["cdn"]
        Distribution_site["CloudFront<br>hasil.test"]
        WebAcl_firewall["firewall (WAF)"]
    end
    subgraph jakarta_ap_southeast_3_["jakarta (ap-southeast-3)"]
        EgressOnlyInternetGateway_way_out["IPv6, outward only"]
        Group_hosts["2 to 4 hosts, c7g.large<br>in 1 private subnet"]
        LoadBalancer_lb["load balancer<br>in 2 public subnets"]
        endpoints_jakarta_ap_southeast_3_["endpoints<br>logs, s3"]
    end
    subgraph kementerian["kementerian"]
        Record_to_kementerian["existing machines<br>198.51.100.10"]
    end
    subgraph stack["stack"]
        Bucket_logs["bucket<br>logs"]
        Bucket_snapshots["bucket<br>snapshots"]
        Topic_alarm["1 alarm of ap-southeast-3"]
    end
    Distribution_site -.->|"when no location answers"| Bucket_snapshots
    Distribution_site -->|"75 %"| LoadBalancer_lb
    Distribution_site -->|"25 %"| Record_to_kementerian
    Group_hosts -->|"packages"| EgressOnlyInternetGateway_way_out
    Group_hosts --> endpoints_jakarta_ap_southeast_3_
    LoadBalancer_lb -.->|"log"| Bucket_logs
    LoadBalancer_lb -->|"with the secret"| Group_hosts
    WebAcl_firewall --> Distribution_site
    endpoints_jakarta_ap_southeast_3_ -->|"releases, snapshots"| Bucket_snapshots
    public -->|"https"| WebAcl_firewall
"""


def test_a_small_graph_is_drawn_by_component_with_a_line_for_each_way() -> None:
    assert draw(GRAPH) == EXPECTED


def test_the_order_in_which_things_were_made_does_not_show() -> None:
    assert draw(Graph(RESOURCES[::-1])) == EXPECTED


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rule", "with the secret"),
        ("to-jakarta", "75 %"),
        ("s3", "releases, snapshots"),
        ("way-out", "packages"),
        ("hosts", "2 to 4 hosts"),
        ("alarm", "1 alarm"),
    ],
)
def test_what_is_no_longer_made_is_no_longer_drawn(name: str, words: str) -> None:
    assert words in draw(GRAPH)
    assert words not in draw(Graph(tuple(each for each in RESOURCES if each.name != name)))


def test_a_line_that_no_property_gives_is_not_drawn() -> None:
    cut = tuple(replace(each, property_dependencies={}) if each.name == "rule" else each for each in RESOURCES)
    assert "with the secret" not in draw(Graph(cut))


def test_the_page_says_that_it_is_drawn() -> None:
    page = document(GRAPH, "produksi")
    assert page.startswith("# What `produksi` has in AWS\n")
    assert "make diagram" in page
    assert f"```mermaid\n{EXPECTED}```\n" in page
