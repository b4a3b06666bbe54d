"""Which certificates tasks bring to hosts: to an edge that one owns, and to load balancers that a CDN asks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from infra.bridge.certificate import ServerCertificate, read_certificate
from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host
from roles.artefacts.files import HostFile
from roles.scripts.certificate import key_of
from roles.scripts.layout import EDGE_CERTIFICATE, ORIGIN_CERTIFICATE
from roles.tasks.operations import Operations

KEY_MODE = 0o600


@dataclass(frozen=True)
class Bringing:
    """A certificate, and who is to have it.

    Args:
        hosts: The hosts.
        path: Where it belongs on them.
        pair: It, with its key.
        source: Where it is from, for the log.
    """

    hosts: Sequence[Host]
    path: PurePosixPath
    pair: ServerCertificate
    source: str

    def files(self) -> list[HostFile]:
        """Both files, as they are placed."""
        return [
            HostFile(self.path, self.pair.certificate),
            HostFile(key_of(self.path), self.pair.key, mode=KEY_MODE),
        ]


def certificates_to_bring(tasks: Operations) -> list[Bringing]:
    """The certificates of a stack that tasks bring, read and found fit.

    Raises:
        OperatorError: The stack has none, or one is not fit; nothing was changed.
    """
    found = [*_of_own_edge(tasks), *_of_balancers(tasks)]
    if not found:
        raise OperatorError("the hosts of this stack get their certificates from provisioning; nothing was changed")
    return found


def _of_own_edge(tasks: Operations) -> Iterator[Bringing]:
    edge = tasks.fleet.inventory.edge
    if edge.certificate is not None:
        directory, now = tasks.checkout.project, tasks.session.now()
        pair = read_certificate(directory, edge.certificate, edge.server_name, now)
        edges = tasks.fleet.inventory.with_role("edge")
        yield Bringing(edges, EDGE_CERTIFICATE, pair, edge.certificate.certificate_file)


def _of_balancers(tasks: Operations) -> Iterator[Bringing]:
    balancers = tasks.fleet.inventory.cdn_balancers
    if balancers:
        # Only here: it brings boto3, which costs a third of a second.
        from roles.aws.certificates import export_certificate  # noqa: PLC0415

        pair = export_certificate(tasks.origin, tasks.session.now())
        yield Bringing(balancers, ORIGIN_CERTIFICATE, pair, tasks.origin.certificate_arn)
