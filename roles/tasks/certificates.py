"""Which certificates tasks bring to hosts: to an edge that one owns, and to load balancers that a CDN asks."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from infra.bridge.certificate import ServerCertificate, read_certificate
from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host
from roles.aws.certificates import export_certificate
from roles.scripts.certificate import key_of
from roles.scripts.host_files import HostFile
from roles.scripts.layout import EDGE_CERTIFICATE, ORIGIN_CERTIFICATE
from roles.stack.stack import Stack

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


def certificates_to_bring(stack: Stack, now: dt.datetime) -> list[Bringing]:
    """The certificates of a stack that tasks bring, read and found fit.

    Args:
        stack: The stack.
        now: The time.

    Raises:
        OperatorError: The stack has none, or one is not fit; nothing was changed.
    """
    found = [*_of_own_edge(stack, now), *_of_balancers(stack, now)]
    if not found:
        raise OperatorError("the hosts of this stack get their certificates from provisioning; nothing was changed")
    return found


def _of_own_edge(stack: Stack, now: dt.datetime) -> Iterator[Bringing]:
    edge = stack.fleet.inventory.edge
    if edge.certificate is not None:
        pair = read_certificate(stack.checkout.project, edge.certificate, edge.server_name, now)
        edges = stack.fleet.inventory.with_role("edge")
        yield Bringing(edges, EDGE_CERTIFICATE, pair, edge.certificate.certificate_file)


def _of_balancers(stack: Stack, now: dt.datetime) -> Iterator[Bringing]:
    balancers = stack.fleet.inventory.cdn_balancers
    if balancers:
        pair = export_certificate(stack.origin, now)
        yield Bringing(balancers, ORIGIN_CERTIFICATE, pair, stack.origin.certificate_arn)
