"""A new instance of a group, from its user data to its place in the pool: a lab host, and moto as its AWS."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from moto.server import ThreadedMotoServer

from infra.aws.location.boot import boot_script
from infra.aws.location.context import LocationContext
from infra.aws.names import Names
from infra.aws.outputs import AccountOutputs
from infra.bridge.bucket_layout import start_key
from infra.bridge.inventory import GroupLocation, Inventory
from infra.bridge.signers import PUBLIC_KEY, read_signers
from infra.settings.location import AwsLocationSettings
from roles.artefacts.files import Configuration, Templates
from roles.artefacts.release import Release, build_release
from roles.artefacts.signing import signature_of
from roles.artefacts.snapshot import StoredSnapshot, ensure_snapshot
from roles.aws.clients import client
from roles.aws.members import member
from roles.bucket.archives import key_of
from roles.bucket.start import (
    START_NAMESPACE,
    Published,
    StartDocument,
    StartPublication,
    StartStep,
    start_body,
    start_document,
)
from roles.hosts.audit import Entry, Operator
from roles.hosts.state import HostState
from roles.stack.checkout import Checkout
from tests.program.aws_site import BEFORE, changed
from tests.stands.cloud import REGION, Cloud, cloud
from tests.stands.instance import Instance, Lab, eventually, instance, network
from tests.stands.lab import PROJECT, SMALL
from tests.stands.ssh_keys import make_key

STACK, BUCKET, INSTANCE = "uji-mulai", "terbitan", "i-0123456789abcdef0"
AT = dt.datetime(2029, 2, 14, 14, tzinfo=dt.UTC)
ANOTHER_FILE = "/etc/tegak/of-this-release-alone"
NOT_LET_IN = "this host is not let into its pool: "
LET_IN = "this host is let into its pool"
JAKARTA = GroupLocation(
    name="jakarta", kind="aws", region=REGION, tags={"tegak:stack": STACK}, target_group_arn="arn:targets"
)
CHECKOUT = Checkout(PROJECT, STACK)
# A lab host outlives what started it.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@dataclass(frozen=True)
class StagedArchives:
    """What can be published."""

    first: Release
    second: Release
    snapshot: StoredSnapshot


@dataclass
class Stage:
    """An instance that has not booted yet, and its AWS.

    Args:
        cloud: All of it.
        s3: S3, which can be down while the rest is not.
        host: The instance.
        archives: What can be published.
    """

    cloud: Cloud
    s3: ThreadedMotoServer
    host: Instance
    archives: StagedArchives

    def boot(self) -> None:
        self.host.boot(user_data())

    def put(self, key: str, body: bytes) -> None:
        client("s3", REGION).put_object(Bucket=BUCKET, Key=key, Body=body)

    def put_archives(self, *archives: Release | StoredSnapshot) -> None:
        for archive in archives or (self.archives.first, self.archives.second, self.archives.snapshot):
            self.put(published(archive).key, archive.path.read_bytes())

    def put_start(self, document: bytes) -> None:
        self.put(start_key("jakarta"), document)

    def publish(self) -> StartPublication:
        """Everything as a publication leaves it."""
        publication = of(self.archives)
        self.put_archives()
        self.put_start(document(publication))
        return publication

    def s3_goes_down(self) -> None:
        self.s3.stop()

    def s3_comes_back(self) -> None:
        address, port = self.s3.get_host_and_port()
        self.s3 = ThreadedMotoServer(ip_address=address, port=port, verbose=False)
        self.s3.start()

    def is_out(self) -> None:
        """Nothing was let in, and nothing is served."""
        assert self.cloud.let_go == []
        assert self.host.serves() is None

    def comes_in(self, release: Release) -> None:
        """It comes in by itself, once."""
        self.host.waits_for(LET_IN)
        assert self.cloud.let_go == [INSTANCE]
        assert self.host.serves() == release.name


def published(archive: Release | StoredSnapshot) -> Published:
    return Published(key_of(archive), archive.artefact())


def of(archives: StagedArchives) -> StartPublication:
    operator = Operator(who="siaga", machine="posko")
    entries = (
        Entry(id="1", at=AT, action="deploy", operator=operator, release=archives.second.name),
        Entry(id="2", at=AT, action="publish", operator=operator, snapshot=archives.snapshot.name),
    )
    return StartPublication(
        published(archives.second),
        published(archives.snapshot),
        (published(archives.first),),
        b"".join(entry.line() for entry in entries),
    )


def configuration(stack: str = STACK, released: Templates | None = None) -> Configuration:
    edge = {"server_name": "hasil.uji.test", "url": "https://hasil.uji.test"}
    key = {"file": ".secrets/operator.pub", "public": "ssh-ed25519 AAAA"}
    known = {"schema": 1, "stack": stack, "locations": [JAKARTA], "edge": edge, "operator_key": key, "hosts": []}
    signers = read_signers(PROJECT / PUBLIC_KEY)
    released = released or Templates.of_checkout()
    return Configuration(Inventory.model_validate(known), Templates.of_checkout(("base",)), released, signers)


def document(
    publication: StartPublication, *, stack: str = STACK, location: str = "jakarta", key: Path = CHECKOUT.release_key
) -> bytes:
    group = JAKARTA.model_copy(update={"name": location})
    return start_document(configuration(stack), group, publication, at=AT, key=key)


def with_step(publication: StartPublication, step: StartStep) -> bytes:
    """What is published, with a step of the test's own in the end."""
    body = start_body(configuration(), JAKARTA, publication, at=AT)
    text = body.model_copy(update={"steps": (*body.steps, step)}).model_dump_json(by_alias=True)
    signature = signature_of(text.encode(), CHECKOUT.release_key, START_NAMESPACE, "a test")
    return StartDocument(signature=signature, body=text).model_dump_json().encode()


def with_another_file() -> Templates:
    """A release's templates, with a file that no other release has."""
    texts = dict(Templates.of_checkout().texts)
    texts["app/files.toml"] += f'\n[[file]]\npath = "{ANOTHER_FILE}"\n'
    return Templates({**texts, f"app{ANOTHER_FILE}.j2": "of an earlier release\n"})


def unknown_key(directory: Path) -> Path:
    file = directory / "unknown"
    make_key(file)
    return file


def user_data() -> str:
    settings, unknown = changed(), cast("Any", None)
    assert settings.night
    names = Names(STACK, "uji")
    account = AccountOutputs(
        names, "uji.test", unknown, "*.asal.uji.test", unknown, unknown, unknown, unknown, {}, {}, {}
    )
    location = settings.of_kind(AwsLocationSettings)[0]
    signers = read_signers(PROJECT / PUBLIC_KEY)
    key = "ssh-ed25519 AAAA op"
    return boot_script(LocationContext(location, settings.night, account, REGION, key, signers, BEFORE), bucket=BUCKET)


@pytest.fixture(scope="module")
def archives() -> StagedArchives:
    snapshot = ensure_snapshot(CHECKOUT, PROJECT / SMALL, None)
    return StagedArchives(build_release(CHECKOUT, "5.0.0"), build_release(CHECKOUT, "5.0.1"), snapshot)


@pytest.fixture(scope="module")
def lab() -> Generator[Lab, None, None]:
    with network("mulai") as lab:
        yield lab


@pytest.fixture
def stage(lab: Lab, archives: StagedArchives) -> Generator[Stage, None, None]:
    address = str(lab.network.gateway.ip)
    with cloud(address) as aws:
        s3 = ThreadedMotoServer(ip_address=address, port=0, verbose=False)
        s3.start()
        client("s3", REGION).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        endpoints = {
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_ENDPOINT_URL_S3": f"http://{address}:{s3.get_host_and_port()[1]}",
        }
        aws.held.add(INSTANCE)
        with instance(lab, INSTANCE, endpoints) as host:
            stage = Stage(aws, s3, host, archives)
            yield stage
        stage.s3_goes_down()


def test_a_new_host_serves_what_is_published_and_is_let_in_once(stage: Stage) -> None:
    publication = stage.publish()
    stage.boot()
    stage.comes_in(stage.archives.second)
    assert f"tegak-start: {LET_IN}" in stage.host.console

    state = as_a_task_left_it(stage)
    assert set(state.releases) == {stage.archives.first.name, stage.archives.second.name}
    assert b"".join(entry.line() for entry in state.log.decisive) == publication.log


def as_a_task_left_it(stage: Stage) -> HostState:
    """What `fab drift` compares: the host has it all, and nothing else."""
    expected = configuration().files_of(member(JAKARTA, INSTANCE, ("none",)))
    state = stage.host.state()
    assert state.files == {str(file.path): file.fingerprint for file in expected}
    assert (state.release, state.running_release) == (stage.archives.second.name, stage.archives.second.name)
    assert (state.snapshot, state.ready, state.restarts) == (stage.archives.snapshot.name, True, 0)
    assert state.snapshots == (stage.archives.snapshot.name,)
    assert (state.pending, state.rollouts) == ((), ())
    assert set(state.managed) == set(state.files)
    return state


BAD: dict[str, tuple[Callable[[StartPublication, Path], bytes], str]] = {
    "changed after it was signed": (
        lambda publication, _: document(publication).replace(b"jakarta", b"jakarto"),
        "start.json has no valid signature of release@tegak for tegak-start",
    ),
    "signed by an unknown key": (
        lambda publication, directory: document(publication, key=unknown_key(directory)),
        "start.json has no valid signature of release@tegak for tegak-start",
    ),
    "of another stack": (
        lambda publication, _: document(publication, stack="produksi"),
        f"start.json is for jakarta of produksi, not for jakarta of {STACK}",
    ),
    "of another location": (
        lambda publication, _: document(publication, location="singapura"),
        f"start.json is for singapura of {STACK}, not for jakarta of {STACK}",
    ),
    "half of it": (
        lambda publication, _: document(publication)[:-1000],
        "start.json is not what it should be",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_nobody_signed_for_this_host_is_not_done(stage: Stage, tmp_path: Path, bad: str) -> None:
    make, reason = BAD[bad]
    stage.put_archives()
    stage.put_start(make(of(stage.archives), tmp_path))
    stage.boot()
    stage.host.waits_for(f"{NOT_LET_IN}{reason}")
    stage.is_out()
    assert f"tegak-start: {NOT_LET_IN}{reason}" in stage.host.console
    assert stage.host.try_("ls", "/srv/tegak").returncode != 0
    stage.publish()
    stage.comes_in(stage.archives.second)


BROKEN: dict[str, tuple[Callable[[bytes], bytes | None], str]] = {
    "truncated": (lambda body: body[:-1], "bytes in the bucket, not"),
    "of other bytes": (lambda body: body[:-1] + b"!", "arrived with another sha256"),
    "not there yet": (lambda _: None, "is not in the bucket yet"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_snapshot_that_is_not_whole_is_waited_for(stage: Stage, broken: str) -> None:
    breaks, reason = BROKEN[broken]
    snapshot = stage.archives.snapshot
    stage.put_archives(stage.archives.first, stage.archives.second)
    half = breaks(snapshot.path.read_bytes())
    if half is not None:
        stage.put(published(snapshot).key, half)
    stage.put_start(document(of(stage.archives)))
    stage.boot()
    stage.host.waits_for(reason)
    assert NOT_LET_IN in stage.host.console
    stage.is_out()
    assert stage.host.run("ls", "/srv/tegak/snapshots") == ""
    stage.put_archives(snapshot)
    stage.comes_in(stage.archives.second)
    as_a_task_left_it(stage)


def test_a_host_that_boots_while_s3_is_down_comes_in_when_it_is_back(stage: Stage) -> None:
    stage.publish()
    stage.s3_goes_down()
    stage.boot()
    stage.host.waits_for(f"{NOT_LET_IN}Could not connect to the endpoint URL")
    stage.is_out()
    stage.s3_comes_back()
    stage.comes_in(stage.archives.second)


def test_what_is_published_while_a_host_starts_is_done_before_it_comes_in(stage: Stage) -> None:
    first, newer = published(stage.archives.first), of(stage.archives)
    older = dataclasses.replace(newer, release=first, earlier=())
    stage.put_archives()
    stage.put_start(
        with_step(older, StartStep(name="the test waits", script="until [ -e /run/go ]; do sleep 0.1; done"))
    )
    stage.boot()
    eventually(lambda: stage.host.serves() == stage.archives.first.name, lambda: stage.host.journal)
    assert stage.cloud.let_go == []
    stage.put_start(document(newer))
    stage.host.run("touch", "/run/go")
    stage.comes_in(stage.archives.second)
    as_a_task_left_it(stage)


def test_a_host_out_of_the_warm_pool_gets_what_was_published_meanwhile(stage: Stage) -> None:
    newer = of(stage.archives)
    older = dataclasses.replace(newer, release=published(stage.archives.first), earlier=(), log=b"")
    stage.put_archives()
    stage.put_start(
        start_document(configuration(released=with_another_file()), JAKARTA, older, at=AT, key=CHECKOUT.release_key)
    )
    stage.boot()
    stage.comes_in(stage.archives.first)
    assert stage.host.run("cat", ANOTHER_FILE) == "of an earlier release\n"

    stage.cloud.held.add(INSTANCE)
    stage.cloud.let_go.clear()
    stage.put_start(document(newer, location="singapura"))
    stage.host.restart()
    stage.host.waits_for(NOT_LET_IN)
    assert stage.cloud.let_go == []
    stage.publish()
    stage.comes_in(stage.archives.second)
    as_a_task_left_it(stage)
    assert stage.host.try_("cat", ANOTHER_FILE).returncode != 0


def test_a_host_in_use_that_restarts_is_left_to_the_tasks(stage: Stage) -> None:
    older = dataclasses.replace(of(stage.archives), release=published(stage.archives.first), earlier=())
    stage.put_archives()
    stage.put_start(document(older))
    stage.boot()
    stage.comes_in(stage.archives.first)
    stage.publish()
    stage.host.restart()
    stage.host.waits_for("no hook holds this host: it is left as it is")
    assert stage.cloud.let_go == [INSTANCE]
    eventually(lambda: stage.host.serves() == stage.archives.first.name, lambda: stage.host.journal)


def test_where_nothing_was_ever_published_a_host_comes_in_empty_for_the_first_deploy(stage: Stage) -> None:
    stage.boot()
    stage.host.waits_for(LET_IN)
    assert stage.cloud.let_go == [INSTANCE]
    assert stage.host.serves() is None


def test_a_host_that_has_a_release_waits_where_nothing_is_published_any_more(stage: Stage) -> None:
    stage.publish()
    stage.boot()
    stage.comes_in(stage.archives.second)
    stage.cloud.held.add(INSTANCE)
    client("s3", REGION).delete_object(Bucket=BUCKET, Key=start_key("jakarta"))
    stage.host.restart()
    stage.host.waits_for(f"{NOT_LET_IN}nothing is published for it")
    assert stage.cloud.let_go == [INSTANCE]
