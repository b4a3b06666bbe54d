"""The lab's resources as the Pulumi program sees them: typed inputs and outputs."""

from pulumi import Input, Output, ResourceOptions
from pulumi.dynamic import Resource

from infra.lab.providers import BridgeProvider, CertificateProvider, ClaimProvider, HostProvider, ImageProvider


class LabImage(Resource, module="lab", name="Image"):
    """The root file system that all hosts share."""

    path: Output[str]

    def __init__(self, name: str, *, image: str, opts: ResourceOptions | None = None) -> None:
        super().__init__(ImageProvider(), name, {"name": image, "path": None}, opts)


class LabClaim(Resource, module="lab", name="Claim"):
    """The stack's place on this machine, and its certificate authority."""

    stack: Output[str]
    ca_certificate: Output[str]

    def __init__(self, name: str, *, stack: str, checkout: str, opts: ResourceOptions | None = None) -> None:
        super().__init__(ClaimProvider(), name, {"stack": stack, "checkout": checkout, "ca_certificate": None}, opts)


class LabCertificate(Resource, module="lab", name="Certificate"):
    """A server certificate from the stack's authority."""

    certificate: Output[str]
    not_after: Output[str]

    def __init__(
        self, name: str, *, claim: LabClaim, names: list[str], addresses: list[str], opts: ResourceOptions | None = None
    ) -> None:
        outputs = dict.fromkeys(("certificate", "key_file", "not_after", "running"))
        inputs = {"stack": claim.stack, "ca_certificate": claim.ca_certificate, "names": names, "addresses": addresses}
        super().__init__(CertificateProvider(), name, {**inputs, **outputs}, opts)


class LabBridge(Resource, module="lab", name="Bridge"):
    """A network of the stack."""

    name: Output[str]

    def __init__(
        self,
        name: str,
        *,
        claim: LabClaim,
        bridge: str,
        gateway: str,
        delay_ms: int,
        opts: ResourceOptions | None = None,
    ) -> None:
        inputs = {"stack": claim.stack, "location": name, "name": bridge, "gateway": gateway, "delay_ms": delay_ms}
        super().__init__(BridgeProvider(), name, {**inputs, "running": None}, opts)


class LabHost(Resource, module="lab", name="Host"):
    """A host of the stack."""

    hostname: Output[str]
    host_key: Output[str]

    def __init__(
        self,
        name: str,
        *,
        claim: LabClaim,
        image: LabImage,
        bridge: LabBridge,
        machine: str,
        address: str,
        gateway: str,
        operator_key: str,
        certificate: Input[str] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "stack": claim.stack,
            "image": image.path,
            "bridge": bridge.name,
            "hostname": name,
            "machine": machine,
            "address": address,
            "gateway": gateway,
            "operator_key": operator_key,
            "certificate": certificate,
        }
        super().__init__(HostProvider(), name, {**inputs, "host_key": None, "running": None}, opts)
