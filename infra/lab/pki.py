"""The lab's certificate authority and the edge's certificate; private keys stay in files of mode 0600."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.bridge.files import PRIVATE, write_whole

CA_DAYS = 3650
SERVER_DAYS = 397
"""The longest life browsers accept in a server's certificate."""

RENEW_BEFORE_DAYS = 30


@dataclass(frozen=True)
class KeyPair:
    """A certificate and the file of its private key."""

    certificate_pem: str
    key_file: Path


def make_authority(directory: Path, common_name: str) -> KeyPair:
    """Make a certificate authority, or return the one in the directory."""
    key_file, certificate_file = directory / "ca.key", directory / "ca.crt"
    if not (key_file.exists() and certificate_file.exists()):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        certificate = (
            _builder(name, name, key.public_key(), CA_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        write_whole(key_file, _key_bytes(key), PRIVATE)
        write_whole(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
    return KeyPair(certificate_file.read_text(encoding="ascii"), key_file)


def issue_server_certificate(
    authority: KeyPair, directory: Path, names: list[str], addresses: list[str], *, now: dt.datetime
) -> KeyPair:
    """Issue the server's certificate for names and addresses, with a new key."""
    key = ec.generate_private_key(ec.SECP256R1())
    ca = x509.load_pem_x509_certificate(authority.certificate_pem.encode())
    ca_key = serialization.load_pem_private_key(authority.key_file.read_bytes(), password=None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{authority.key_file} is not an elliptic curve key")
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    certificate = (
        _builder(subject, ca.subject, key.public_key(), SERVER_DAYS, now=now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_usage(sign=False), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    write_whole(directory / "edge.key", _key_bytes(key), PRIVATE)
    return KeyPair(certificate.public_bytes(serialization.Encoding.PEM).decode(), directory / "edge.key")


def make_host_key(directory: Path) -> tuple[bytes, str]:
    """Return a host's ed25519 ssh key, private part and known_hosts form, making it if the directory has none."""
    file = directory / "ssh_host_ed25519_key"
    if not file.exists():
        key = ed25519.Ed25519PrivateKey.generate()
        form = serialization.PrivateFormat.OpenSSH
        write_whole(file, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()), PRIVATE)
    private = file.read_bytes()
    loaded = serialization.load_ssh_private_key(private, password=None)
    public = loaded.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private, public.decode()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    days: int,
    now: dt.datetime | None = None,
) -> x509.CertificateBuilder:
    start = (now or dt.datetime.now(dt.UTC)) - dt.timedelta(hours=1)  # clocks differ a little
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=days))
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign,
        key_cert_sign=sign,
        crl_sign=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
