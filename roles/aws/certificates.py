"""The certificate of the name that the CDN asks, for load balancers that aren't AWS's: taken out of ACM with its key.

The key is encrypted on its way here with a word of this run, decrypted in memory, and goes on to the hosts: it is in no
file of the operator's machine. See https://docs.aws.amazon.com/acm/latest/userguide/export-public-certificate.html.
"""

import datetime as dt
import secrets

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from infra.bridge.certificate import ServerCertificate, check_certificate
from infra.bridge.errors import OperatorError
from infra.bridge.origin import Origin
from roles.aws.clients import client, explained

PASSPHRASE_BYTES = 32


def export_certificate(origin: Origin, now: dt.datetime) -> ServerCertificate:
    """Export it; ACM renews only what was exported since it was last renewed.

    Args:
        origin: Which one.
        now: The time.

    Raises:
        OperatorError: AWS refuses or doesn't answer, or the CDN would refuse the certificate.
    """
    passphrase = secrets.token_urlsafe(PASSPHRASE_BYTES).encode()
    with explained("exporting the certificate of the load balancers", origin.region):
        answer = client("acm", origin.region).export_certificate(
            CertificateArn=origin.certificate_arn, Passphrase=passphrase
        )
    leaf, chain, encrypted = (str(answer[part]) for part in ("Certificate", "CertificateChain", "PrivateKey"))
    look = f"aws acm describe-certificate --region {origin.region} --certificate-arn {origin.certificate_arn}"
    try:
        certificate = x509.load_pem_x509_certificate(leaf.encode())
        key = serialization.load_pem_private_key(encrypted.encode(), password=passphrase)
    except (ValueError, TypeError) as error:
        raise OperatorError(
            f"what AWS exported of {origin.certificate_arn} is no certificate with its key", next_command=look
        ) from error
    # The name that was expected is a secret, and not said.
    what = f"the certificate {origin.certificate_arn}"
    check_certificate(certificate, what, "the name that the CDN asks", origin.name, now, look)
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return ServerCertificate(f"{leaf.strip()}\n{chain.strip()}\n".encode(), plain)
