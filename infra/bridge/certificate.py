"""Certificates that tasks bring to hosts, and what is checked of them first.

That of an edge that one owns is looked at before anything is made,
that of load balancers behind a CDN when it is brought.
"""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from infra.bridge.errors import OperatorError
from infra.bridge.files import refuse_open
from infra.bridge.inventory import CertificateFiles


@dataclass(frozen=True)
class ServerCertificate:
    """A certificate with those of its authorities in between, and its key; both in PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def read_certificate(directory: Path, files: CertificateFiles, server_name: str, now: dt.datetime) -> ServerCertificate:
    """Read the certificate and its key.

    Args:
        directory: The project's folder, from which the paths go.
        files: Where they are.
        server_name: Who the certificate must be for.
        now: The time.

    Raises:
        OperatorError: One is missing, they don't belong together, or browsers would refuse them.
    """
    certificate_file, key_file = files.certificate_file, files.key_file
    certificate, key = read_file(directory / certificate_file), read_file(directory / key_file)
    refuse_open(directory, key_file)
    try:
        first = x509.load_pem_x509_certificates(certificate)[0]
        private = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:
        raise OperatorError(
            f"{certificate_file} and {key_file} are no certificate and unencrypted key in PEM ({error})",
            next_command=f"openssl x509 -noout -text -in {certificate_file}",
        ) from error
    if first.public_key() != private.public_key():
        raise OperatorError(
            f"{key_file} is not the key of {certificate_file}", next_command="$EDITOR tegak:certificate"
        )
    look = f"openssl x509 -noout -text -in {certificate_file}"
    check_certificate(first, certificate_file, f"tegak:server_name {server_name}", server_name, now, look)
    return ServerCertificate(certificate, key)


def read_file(path: Path) -> bytes:
    """Read one of the operators' files.

    Raises:
        OperatorError: It can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise OperatorError(
            f"{path.name}, which tegak:certificate names, can't be read ({error.strerror})",
            next_command=f"ls -l {path}",
        ) from error


def check_certificate(
    certificate: x509.Certificate, what: str, expected: str, name: str, now: dt.datetime, look: str
) -> None:
    """Refuse a certificate that clients would refuse.

    Args:
        certificate: It.
        what: What it is called in the sentence.
        expected: What the name that is asked for is called there.
        name: That name.
        now: The time.
        look: What an operator types to look at it.

    Raises:
        OperatorError: It is for another name, or not valid now.
    """
    names = _names(certificate)
    wildcard = f"*.{name.partition('.')[2]}"
    if name not in names and wildcard not in names:
        raise OperatorError(f"{what} is for {', '.join(names) or 'nobody'}, expected {expected}", next_command=look)
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        ends = f"{certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
        raise OperatorError(f"{what} is valid from {ends}, not now", next_command=look)


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)
