"""What is said elsewhere of what the program makes: the diagram, what the estimate of cost assumes, and rehearsals."""

import datetime as dt
import tempfile
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

from infra.aws.location.night import LEAD
from infra.cost import assumptions
from infra.settings.regions import GLOBAL_REGION
from infra.settings.stack import parse_settings
from tests.program.aws_site import rehearse_site
from tests.stands.graph import Graph, Resource, parts
from tests.stands.lab import PROJECT
from tests.stands.recorded import own_stack
from tests.unit.infra.test_aws_settings import read_config
from tools.diagram import DOCUMENT, STACK, document

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


@pytest.fixture(scope="module")
def planned() -> Generator[Graph, None, None]:
    """`produksi` as its settings have it, from nothing."""
    with tempfile.TemporaryDirectory(prefix="tegak-documents.") as directory:
        (Path(directory) / ".secrets").symlink_to(PROJECT / ".secrets")
        yield own_stack(STACK, Path(directory)).planned()


def figures(alarms: Iterable[Resource]) -> int:
    """Figures that alarms watch, as they are paid: an alarm over an expression is paid for each figure in it."""
    return sum(
        len([query for query in parts(each.inputs, "metricQueries") if "metric" in query]) or 1 for each in alarms
    )


def is_exported(certificate: Resource) -> bool:
    return certificate.inputs["options"]["export"] == "ENABLED"


def test_the_diagram_is_the_one_that_is_drawn_today(planned: Graph) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(planned, STACK), "make diagram"


@pytest.mark.parametrize("location", ["jakarta", "singapura"])
def test_the_estimate_counts_what_a_location_has(planned: Graph, location: str) -> None:
    (component,) = [each for each in planned.of_type("tegak:aws:Location") if each.name == location]
    inside = planned.inside(component)
    endpoints = [
        each for each in inside if each.kind == "VpcEndpoint" and each.inputs["vpcEndpointType"] == "Interface"
    ]
    assert len(endpoints) == assumptions.INTERFACE_ENDPOINTS
    (template,) = [each for each in inside if each.kind == "LaunchTemplate"]
    disks = [disk["ebs"]["volumeSize"] for disk in parts(template.inputs, "blockDeviceMappings")]
    assert disks == [assumptions.DISK_GB]
    assert figures(each for each in inside if each.type == ALARM) == assumptions.LOCATION_ALARMS


def test_the_estimate_counts_what_the_site_has(planned: Graph) -> None:
    (firewall,) = planned.of_type("aws:wafv2/webAcl:WebAcl")
    assert len(parts(firewall.inputs, "rules")) == assumptions.FIREWALL_RULES
    cdn = [each for each in planned.of_type(ALARM) if each.region == GLOBAL_REGION]
    checked = planned.of_type("aws:route53/healthCheck:HealthCheck")  # one for each location of own machines
    assert figures(cdn) == assumptions.CDN_ALARMS + len(checked)
    exported = [each for each in planned.of_type("aws:acm/certificate:Certificate") if is_exported(each)]
    assert (len(checked), len(exported)) == (1, 1)


def test_a_rehearsal_is_asked_for_what_the_engine_is_asked_for(planned: Graph) -> None:
    settings = parse_settings(read_config(STACK), STACK)
    rehearsed = {(each.type, each.name): set(each.inputs) for each in rehearse_site(settings, stack=STACK).of_aws()}
    # Of a plan, what isn't known yet is not there.
    assert rehearsed.keys() == {(each.type, each.name) for each in planned.of_aws()}
    lacking = {each.name: set(each.inputs) - rehearsed[each.type, each.name] for each in planned.of_aws()}
    assert {name: keys for name, keys in lacking.items() if keys} == {}


def test_the_estimate_lets_hosts_come_as_early_as_the_program_does() -> None:
    assert dt.timedelta(hours=assumptions.LEAD_HOURS) == LEAD
