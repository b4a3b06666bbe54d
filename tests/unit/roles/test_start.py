import dataclasses
import datetime as dt
import hashlib
import json
import shlex
import subprocess
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import GroupLocation, Inventory
from infra.bridge.signers import SIGNER, read_signers
from roles.artefacts.files import Configuration, Templates
from roles.aws.members import member
from roles.bucket.start import (
    START_NAMESPACE,
    Published,
    StartBody,
    StartDocument,
    StartPublication,
    read_start,
    start_body,
    start_document,
)
from roles.scripts import snapshots
from roles.scripts.artefacts import Artefact, receive_release
from roles.scripts.layout import LOG
from tests.stands.ssh_keys import make_key

AT = dt.datetime(2029, 2, 14, 14, tzinfo=dt.UTC)
JAKARTA = GroupLocation(
    name="jakarta", kind="aws", region="ap-southeast-3", tags={"tegak:stack": "uji"}, target_group_arn="arn"
)
ENTRY = b'{"id":"1","action":"deploy","reason":"it\'s $(late)"}\n'


def published(name: str, prefix: str = "releases") -> Published:
    return Published(f"{prefix}/{name}.tar.gz", Artefact(name, 1024, "0" * 64, "signature", f"tegak-{prefix[:-1]}"))


PUBLICATION = StartPublication(published("3.0.1"), published("20290214", "snapshots"), (published("3.0.0"),), ENTRY)


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    edge = {"server_name": "hasil.uji.test", "url": "https://hasil.uji.test"}
    key = {"file": ".secrets/operator.pub", "public": "ssh-ed25519 AAAA"}
    document = {"schema": 1, "stack": "uji", "locations": [JAKARTA], "edge": edge, "operator_key": key, "hosts": []}
    inventory = Inventory.model_validate(document)
    return Configuration(inventory, Templates.of_checkout(("base",)), Templates.of_checkout(), "release@tegak k")


@pytest.fixture(scope="module")
def body(configuration: Configuration) -> StartBody:
    return start_body(configuration, JAKARTA, PUBLICATION, at=AT)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "release"
    make_key(file)
    return file


def names(body: StartBody) -> list[str]:
    return [step.name for step in body.steps]


def placed(body: StartBody, instance: str) -> dict[str, str]:
    """What the host has in the end: each file's fingerprint."""
    found: dict[str, str] = {}
    for step in body.steps:
        for file in step.stdin if isinstance(step.stdin, tuple) else ():
            content = file.content.replace(body.placeholder, instance).encode()
            found[file.path] = f"{hashlib.sha256(content).hexdigest()} {file.mode:o} root root"
    return found


def test_a_host_places_the_very_files_that_a_task_would(configuration: Configuration, body: StartBody) -> None:
    instance = "i-0123456789abcdef0"
    host = member(JAKARTA, instance, ("ssh-ed25519 AAAA",))
    expected = {str(file.path): file.fingerprint for file in configuration.files_of(host)}
    found = placed(body, instance)
    assert found.pop(str(LOG))
    assert found == expected


def test_a_host_receives_what_a_task_would_send(body: StartBody) -> None:
    scripts = {step.name: step.script for step in body.steps}
    release, snapshot = PUBLICATION.release.artefact, published("20290214", "snapshots").artefact
    assert scripts["receive 3.0.1"] == receive_release(release).command_line_of_root()
    assert (
        scripts["receive 20290214"]
        == snapshots.receive_snapshot(snapshots.whole(snapshot), goes_on=False).command_line_of_root()
    )


def test_nothing_is_switched_to_before_everything_is_there(body: StartBody) -> None:
    order = names(body)
    received = [name for name in order if name.startswith("receive ")]
    assert received == ["receive 3.0.0", "receive 3.0.1", "receive 20290214"]
    assert order.index("receive 20290214") < order.index("switch the snapshot") < order.index("activate")
    assert order.index("activate") < order.index("wait until it is ready")


def test_every_archive_that_a_step_reads_is_announced_with_its_size(body: StartBody) -> None:
    read = [step.stdin for step in body.steps if isinstance(step.stdin, str)]
    assert read == [artefact.key for artefact in body.artefacts]
    assert {artefact.size_bytes for artefact in body.artefacts} == {1024}


def test_releases_to_go_back_to_are_kept(body: StartBody) -> None:
    tidy = shlex.split(body.steps[-1].script)[-1]
    assert "! -name 3.0.1 ! -name 3.0.0 " in tidy


def test_without_results_no_snapshot_is_named(configuration: Configuration) -> None:
    body = start_body(configuration, JAKARTA, dataclasses.replace(PUBLICATION, snapshot=None, log=b""), at=AT)
    assert body.snapshot is None
    assert names(body) == [
        "remove what is not wanted",
        "ground",
        "receive 3.0.0",
        "receive 3.0.1",
        "activate",
        "wait until it is ready",
        "tidy up",
    ]


def verify(document: StartDocument, signers: str, namespace: str, tmp_path: Path) -> int:
    (tmp_path / "signers").write_text(signers)
    (tmp_path / "signature").write_text(document.signature)
    argv = ["ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "signers"), "-I", SIGNER, "-n", namespace]
    argv += ["-s", str(tmp_path / "signature")]
    return subprocess.run(argv, input=document.body.encode(), capture_output=True, check=False).returncode


def test_it_is_signed_for_this_purpose_and_no_other(configuration: Configuration, key: Path, tmp_path: Path) -> None:
    document = StartDocument.model_validate_json(start_document(configuration, JAKARTA, PUBLICATION, at=AT, key=key))
    signers = read_signers(key.with_suffix(".pub"))
    assert verify(document, signers, START_NAMESPACE, tmp_path) == 0
    assert verify(document, signers, "tegak-release", tmp_path) != 0
    changed = document.model_copy(update={"body": document.body.replace("jakarta", "jakarts")})
    assert verify(changed, signers, START_NAMESPACE, tmp_path) != 0


def test_what_is_written_can_be_read(configuration: Configuration, body: StartBody, key: Path) -> None:
    assert read_start(start_document(configuration, JAKARTA, PUBLICATION, at=AT, key=key)) == body


def test_an_unknown_key_is_refused(configuration: Configuration, key: Path) -> None:
    document = json.loads(start_document(configuration, JAKARTA, PUBLICATION, at=AT, key=key))
    body = {**json.loads(document["body"]), "extra": 1}
    with pytest.raises(OperatorError, match="can't be read: extra: Extra inputs"):
        read_start(json.dumps({**document, "body": json.dumps(body)}).encode())


def test_a_missing_key_to_sign_with_is_said(configuration: Configuration, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="the key release that signs is missing"):
        start_document(configuration, JAKARTA, PUBLICATION, at=AT, key=tmp_path / "release")
