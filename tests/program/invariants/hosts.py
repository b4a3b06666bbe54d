"""What serves."""

from collections.abc import Iterator

from tests.stands.graph import Graph, Resource, part, parts


def every_target_group_asks_whether_a_host_is_healthy(graph: Graph) -> Iterator[str]:
    """At the service's own answer, not just at an open port."""
    for group in graph.of_type("aws:lb/targetGroup:TargetGroup"):
        check = part(group.inputs, "healthCheck")
        if check.get("path") != "/healthz" or check.get("enabled") is False:
            yield f"the target group {group.name} does not ask its hosts for /healthz"


def every_host_starts_hardened(graph: Graph) -> Iterator[str]:
    """Credentials only for who has a token, from the host itself; encrypted disks; no key, no public address."""
    for template in graph.of_type("aws:ec2/launchTemplate:LaunchTemplate"):
        name = template.name
        metadata = part(template.inputs, "metadataOptions")
        if metadata.get("httpTokens") != "required":
            yield f"the launch template {name} gives credentials to who brings no token (IMDSv1)"
        if metadata.get("httpPutResponseHopLimit") != 1:
            yield f"the launch template {name} lets credentials travel further than one hop"
        if template.inputs.get("keyName"):
            yield f"the launch template {name} lets somebody in by an ssh key"
        interfaces = parts(template.inputs, "networkInterfaces")
        if any(str(each.get("associatePublicIpAddress")).lower() == "true" for each in interfaces):
            yield f"the launch template {name} gives hosts a public address"
        yield from _disk_problems(template)


def _disk_problems(template: Resource) -> Iterator[str]:
    disks = parts(template.inputs, "blockDeviceMappings")
    if not disks:
        yield f"the launch template {template.name} says nothing of its disks"
    for disk in disks:
        if str(part(disk, "ebs").get("encrypted")).lower() != "true":
            yield f"the launch template {template.name} has a disk that is not encrypted, {disk.get('deviceName')}"
