"""The certificate that operators bring for an edge of their own."""

import datetime as dt
from pathlib import Path

import pytest

from infra.bridge.certificate import read_certificate
from infra.bridge.errors import OperatorError
from infra.bridge.inventory import CertificateFiles
from infra.lab import pki

NAME = "hasil.uji.test"
FILES = CertificateFiles(certificate_file="edge.crt", key_file="edge.key")
NOW = dt.datetime(2029, 2, 14, 12, tzinfo=dt.UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    issue(tmp_path, NAME)
    return tmp_path


def issue(directory: Path, name: str, now: dt.datetime = NOW) -> None:
    authority = pki.make_authority(directory, "uji")
    pair = pki.issue_server_certificate(authority, directory, [name], [], now=now)
    (directory / "edge.crt").write_text(pair.certificate_pem + authority.certificate_pem)


def refused(directory: Path) -> OperatorError:
    with pytest.raises(OperatorError) as caught:
        read_certificate(directory, FILES, NAME, NOW)
    assert "\n" not in caught.value.message
    assert caught.value.next_command
    return caught.value


def test_a_certificate_for_the_sites_name_is_read_with_its_key_and_its_authorities(directory: Path) -> None:
    pair = read_certificate(directory, FILES, NAME, NOW)
    assert pair.certificate.count(b"BEGIN CERTIFICATE") == 2
    assert pair.key.startswith(b"-----BEGIN PRIVATE KEY-----")


def test_a_wildcard_is_for_one_label(directory: Path) -> None:
    issue(directory, "*.uji.test")
    assert read_certificate(directory, FILES, NAME, NOW)
    issue(directory, "*.test")
    assert "edge.crt is for *.test, expected tegak:server_name hasil.uji.test" in refused(directory).message


def test_another_name_another_time_another_key_are_refused(directory: Path) -> None:
    issue(directory, NAME, NOW - dt.timedelta(days=400))
    assert "edge.crt is valid from 2028-01-11 to 2029-02-11, not now" in refused(directory).message
    issue(directory, NAME, NOW + dt.timedelta(days=1))
    assert "not now" in refused(directory).message
    issue(directory, NAME)
    (directory / "edge.key").write_bytes((directory / "ca.key").read_bytes())
    assert "edge.key is not the key of edge.crt" in refused(directory).message


def test_files_that_are_missing_or_something_else_are_named(directory: Path) -> None:
    (directory / "edge.crt").write_text("no certificate")
    assert "edge.crt and edge.key are no certificate and unencrypted key in PEM" in refused(directory).message
    (directory / "edge.key").unlink()
    assert "edge.key, which tegak:certificate names, can't be read" in refused(directory).message


def test_a_key_that_others_can_read_is_refused(directory: Path) -> None:
    (directory / "edge.key").chmod(0o640)
    error = refused(directory)
    assert "edge.key can be read by others" in error.message
    assert error.next_command == "chmod 600 edge.key"
