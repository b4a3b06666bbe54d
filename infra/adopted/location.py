"""What a stack has of kind `hosts`: locations of machines one owns, and an edge on one of them."""

from collections.abc import Mapping, Sequence

import pulumi
from pulumi import Output, ResourceOptions

from infra.adopted.resources import AdoptedMachine
from infra.hosts import HostOutputs
from infra.location import balanced
from infra.settings.location import EDGE_NAME, CertificateSettings, HostsLocationSettings, MachineSettings


class HostsLocation(pulumi.ComponentResource):
    """The machines of one location. One with the role `edge` stands there, but serves all locations.

    Args:
        settings: The location's settings.
        key_file: Public ssh key of those who deploy, a path from the project's folder.
        behind_cdn: Whether a CDN asks its load balancer.
    """

    hosts: Sequence[HostOutputs]
    entry: Output[Mapping[str, object]]

    def __init__(
        self,
        settings: HostsLocationSettings,
        key_file: str,
        *,
        behind_cdn: bool = False,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:site:Location", settings.name, None, opts)
        self._name = settings.name
        address = str(settings.origin_address if behind_cdn else settings.balancer.address)
        self.entry = balanced(settings.name, settings.kind, address, behind_cdn=behind_cdn)
        self.hosts = [self._adopt(machine, key_file) for machine in settings.machines]
        self.register_outputs({"endpoint": address})

    def _adopt(self, machine: MachineSettings, key_file: str) -> HostOutputs:
        adopted = AdoptedMachine(machine, key_file, ResourceOptions(parent=self))
        return HostOutputs(
            machine.name,
            EDGE_NAME if machine.role == "edge" else self._name,
            "hosts",
            machine.role,
            str(machine.address),
            adopted.host_keys,
            machine.ssh_port,
            machine.ssh_user,
            machine.accounts,
        )


class OwnedEdge:
    """The edge on a machine that one owns; the machine itself is adopted with its location.

    Args:
        server_name: The site's name.
        machine: The machine.
        certificate: Its certificate.
        authority: The authority that the certificate is from, in PEM; None if it is a public one.
    """

    hosts: Sequence[HostOutputs] = ()

    def __init__(
        self, server_name: str, machine: MachineSettings, certificate: CertificateSettings, authority: str | None
    ) -> None:
        self.url = f"https://{server_name}"
        self.ca_certificate: Output[str] | None = Output.from_input(authority) if authority else None
        self.entry: Output[Mapping[str, object]] = Output.from_input(
            {
                "server_name": server_name,
                "url": self.url,
                "address": str(machine.address),
                "certificate": certificate.files.model_dump(),
            }
        )
