"""What load balancers that a CDN asks are given, and that nobody else is."""

import datetime as dt
from collections.abc import Generator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host, Inventory
from infra.bridge.origin import parse_origin
from infra.lab import pki
from roles.artefacts.files import OWN_PARTS, Configuration, Templates
from roles.aws.certificates import export_certificate
from roles.scripts.host_files import HostFile
from tests.stands.cloud import Cloud, cloud
from tests.unit.roles.fleets import inventory

pytestmark = pytest.mark.thorough


NOW = dt.datetime.now(dt.UTC)
ARN = "arn:aws:acm:ap-southeast-3:123456789012:certificate/uji"
DOCUMENT = {"name": "0123456789ab.asal.uji.test", "secret": "kata-rahasia-" * 3, "certificate_arn": ARN}
ORIGIN = parse_origin(DOCUMENT)


def behind_cdn(place: str) -> Inventory:
    """Two locations, one of which a CDN asks."""
    made = inventory((2, 2))
    places = tuple(each.model_copy(update={"behind_cdn": each.name == place}) for each in made.balanced)
    return made.model_copy(update={"locations": places})


def files(stack: Inventory, name: str) -> dict[str, HostFile]:
    configuration = Configuration(
        stack, Templates.of_checkout(OWN_PARTS), Templates.of_checkout(), "release@tegak …", lambda: ORIGIN
    )
    found = configuration.files_of(host(stack, name))
    return {str(file.path): file for file in found}


def host(stack: Inventory, name: str) -> Host:
    return next(host for host in stack.hosts if host.name == name)


def test_only_a_load_balancer_that_a_cdn_asks_gets_the_secret_for_root_alone() -> None:
    stack = behind_cdn("barat")
    given = files(stack, "barat-lb-1")
    assert given["/etc/tegak/origin/secret"].content.decode().strip() == ORIGIN.secret
    assert given["/etc/tegak/origin/names"].content.decode().split() == ["/etc/tegak/tls/origin.crt", ORIGIN.name]
    assert {file.mode for path, file in given.items() if path.startswith("/etc/tegak/origin/")} == {0o600}
    for name in ("barat-app-1", "timur-lb-1", "timur-app-1", "edge-1"):
        others = files(stack, name).values()
        assert not [file.path for file in others if ORIGIN.secret.encode() in file.content], name
        assert not [file.path for file in others if ORIGIN.name.encode() in file.content], name


def test_it_listens_to_the_cdn_alone_and_the_others_go_on_as_before() -> None:
    stack, path = behind_cdn("barat"), "/etc/haproxy/haproxy.cfg"
    asked = files(stack, "barat-lb-1")[path].content.decode()
    assert "bind :80\n" not in asked
    assert "bind :443 ssl crt-list /etc/tegak/origin/names strict-sni" in asked
    assert "http-request del-header x-tegak-origin" in asked  # no app host needs to know it
    assert ORIGIN.secret not in asked
    other = files(stack, "timur-lb-1")[path].content.decode()
    assert "bind :80\n" in other
    assert "443" not in other


def test_what_is_secret_is_not_shown_where_an_origin_is_printed_or_refused() -> None:
    assert ORIGIN.secret not in f"{ORIGIN!r}{ORIGIN}"
    assert ORIGIN.name not in f"{ORIGIN!r}{ORIGIN}"
    for spoiled in ({"secret": "dua kata"}, {"name": 'a" b'}):
        with pytest.raises(OperatorError) as caught:
            parse_origin({**DOCUMENT, **spoiled})
        assert f"'origin' can't be used: {next(iter(spoiled))} does not fit" in str(caught.value)
        assert caught.value.__cause__ is None
        assert next(iter(spoiled.values())) not in str(caught.value)


@pytest.fixture
def aws() -> Generator[Cloud, None, None]:
    with cloud() as made:
        yield made


def issued(aws: Cloud, directory: Path, name: str) -> bytes:
    """ACM has a certificate of a name; its key."""
    authority = pki.make_authority(directory, "uji")
    pair = pki.issue_server_certificate(authority, directory, [name], [], now=NOW)
    key = pair.key_file.read_bytes()
    aws.has_certificate(ARN, pair.certificate_pem.encode(), key, authority.certificate_pem.encode())
    return key


def test_the_key_leaves_acm_encrypted_and_comes_here_as_haproxy_takes_it(aws: Cloud, tmp_path: Path) -> None:
    key = serialization.load_pem_private_key(issued(aws, tmp_path, "*.asal.uji.test"), password=None)
    pair = export_certificate(ORIGIN, NOW)
    assert b"BEGIN PRIVATE KEY" in pair.key
    assert serialization.load_pem_private_key(pair.key, password=None).public_key() == key.public_key()
    chain = x509.load_pem_x509_certificates(pair.certificate)
    assert chain[0].public_key() == key.public_key()
    assert len(chain) >= 2
    assert "PRIVATE KEY" not in repr(pair)


def test_a_certificate_that_the_cdn_would_refuse_is_refused_without_saying_the_name(aws: Cloud, tmp_path: Path) -> None:
    issued(aws, tmp_path, "*.lain.uji.test")
    with pytest.raises(OperatorError) as caught:
        export_certificate(ORIGIN, NOW)
    assert f"the certificate {ARN} is for *.lain.uji.test, expected the name that the CDN asks" in str(caught.value)
    assert ORIGIN.name not in str(caught.value)


def test_what_aws_refuses_is_a_sentence(aws: Cloud) -> None:
    assert not aws.certificates
    with pytest.raises(OperatorError, match="exporting the certificate of the load balancers in ap-southeast-3"):
        export_certificate(ORIGIN, NOW)
