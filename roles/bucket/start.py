"""What a new host of a group does before it enters its pool: made here, signed, and run by the host alone.

Nobody is there when a group starts a host at night. So each publication leaves, for each location, one object in the
publication bucket, `start.json`: the very scripts that a rollout runs over ssh, with what they read. The host checks
who signed it and whom it is for (roles/on_host/start_host.py), and runs them.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import GroupLocation
from roles.artefacts.files import Configuration
from roles.artefacts.signing import signature_of
from roles.aws.members import member
from roles.rollout.changes import READY_SECONDS
from roles.scripts import activation, artefacts, snapshots
from roles.scripts.artefacts import Artefact
from roles.scripts.host_files import HostFile
from roles.scripts.layout import COMPLETE, LOG, RELEASES, SNAPSHOTS
from roles.scripts.lock import forget_rollouts
from roles.scripts.quoting import Script

START_NAMESPACE = "tegak-start"
ANY_INSTANCE = "i-00000000000000000"
"""Stands for the host's own instance id, which is known to nobody but it: also in its name (roles/aws/members.py)."""

ROLLOUT = "start"
"""Where the scripts keep what was there before; it is removed in the end."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StartFile(_Document):
    """A file that a step places: its path on the host, its permission bits, its text."""

    path: str
    mode: int
    content: str


class StartArtefact(_Document):
    """An archive in the publication bucket."""

    key: str
    size_bytes: int
    sha256: str


class StartStep(_Document):
    """A command that the host runs.

    Args:
        name: What it does.
        script: The command line, as ssh would be given it for root.
        stdin: What it reads: nothing, the key of an artefact, or a tar of files.
        unless: Where this path exists on the host, the step has been done.
    """

    name: str
    script: str
    stdin: str | tuple[StartFile, ...] | None = None
    unless: str | None = None


class StartBody(_Document):
    """What is signed.

    Args:
        schema_version: Another one is refused by the host.
        stack: Whose hosts it is for.
        location: And of which location.
        written_at: When it was made, in UTC.
        release: What the host runs in the end.
        snapshot: What it shows in the end; None before anything is published.
        placeholder: Stands in files for the host's own instance id.
        artefacts: What the steps read from the bucket.
        steps: What the host does, in order.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    stack: str
    location: str
    written_at: dt.datetime
    release: str
    snapshot: str | None
    placeholder: str
    artefacts: tuple[StartArtefact, ...]
    steps: tuple[StartStep, ...]


class StartDocument(_Document):
    """The object as it is in the bucket: the signed text, and its ssh signature."""

    signature: str
    body: str


@dataclass(frozen=True)
class Published:
    """An archive that is in the publication bucket.

    Args:
        key: Its key there.
        artefact: What a host needs to know to take it.
    """

    key: str
    artefact: Artefact


@dataclass(frozen=True)
class StartPublication:
    """What hosts have, once everything is well.

    Args:
        release: What they run.
        snapshot: What they show; None before anything is published.
        earlier: Releases that they keep beside it, so that `fab rollback` needs no upload to a host that is new.
        log: Lines of the audit log: hosts of a group come and go, and what it says must not go with them.
    """

    release: Published
    snapshot: Published | None
    earlier: Sequence[Published] = ()
    log: bytes = b""


def start_document(
    configuration: Configuration, location: GroupLocation, published: StartPublication, *, at: dt.datetime, key: Path
) -> bytes:
    """The object for the hosts of a location, signed.

    Args:
        configuration: What decides which files hosts should have; with the release's own templates.
        location: The location.
        published: What hosts have.
        at: The time, in UTC.
        key: The private key that signs releases.

    Raises:
        OperatorError: It can't be signed, or a template can't be used.
    """
    body = start_body(configuration, location, published, at=at).model_dump_json(by_alias=True)
    what = f"what new hosts of {location.name} do"
    signature = signature_of(body.encode(), key, START_NAMESPACE, what)
    return StartDocument(signature=signature, body=body).model_dump_json().encode()


def start_body(
    configuration: Configuration, location: GroupLocation, published: StartPublication, *, at: dt.datetime
) -> StartBody:
    """What is signed; see `start_document`."""
    snapshot = published.snapshot
    archives = [*published.earlier, published.release, *([snapshot] if snapshot else [])]
    return StartBody(
        stack=configuration.inventory.stack,
        location=location.name,
        written_at=at,
        release=published.release.artefact.name,
        snapshot=snapshot.artefact.name if snapshot else None,
        placeholder=ANY_INSTANCE,
        artefacts=tuple(
            StartArtefact(key=each.key, size_bytes=each.artefact.size_bytes, sha256=each.artefact.sha256)
            for each in archives
        ),
        steps=tuple(_steps(configuration, location, published)),
    )


def read_start(document: bytes) -> StartBody:
    """Read the object; who signed it is not looked at: it is only compared with what would be written now.

    Raises:
        OperatorError: It is not of this version.
    """
    try:
        body = StartDocument.model_validate_json(document).body
        return StartBody.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "start.json"
        raise OperatorError(f"what new hosts do can't be read: {where}: {first['msg']}") from error


def _steps(configuration: Configuration, location: GroupLocation, published: StartPublication) -> Iterable[StartStep]:
    host = member(location, ANY_INSTANCE, ("none",))
    files, base = configuration.files_of(host), configuration.base_files_of(host)
    role = [file for file in files if file.path not in {each.path for each in base}]
    wanted = [file.path for file in files]
    release, snapshot = published.release.artefact.name, published.snapshot

    def place(name: str, placed: Sequence[HostFile], run: str | None = None) -> StartStep:
        script = activation.activate(f"{ROLLOUT}/{name}", placed, (), wanted, run)
        return _step(name, script, stdin=tuple(_file(file) for file in placed))

    yield _step("remove what is not wanted", activation.remove_unwanted(wanted))
    yield place("ground", base)
    for each in (*published.earlier, published.release):
        yield _receive(each, artefacts.receive_release(each.artefact), str(RELEASES))
    if snapshot is not None:
        yield _receive(
            snapshot, snapshots.receive_snapshot(snapshots.whole(snapshot.artefact), goes_on=False), str(SNAPSHOTS)
        )
        yield _step("switch the snapshot", snapshots.activate_snapshot(snapshot.artefact.name))
    yield place("activate", role, release)
    ready = artefacts.wait_ready(release, with_snapshot=snapshot is not None, seconds=READY_SECONDS)
    yield _step("wait until it is ready", ready)
    if published.log:
        yield place("log", [HostFile(LOG, published.log)])
    yield _step("tidy up", _tidy(published))


def _tidy(published: StartPublication) -> Script:
    kept = (published.release, *published.earlier)
    forget = forget_rollouts(tuple(each.artefact.name for each in kept))
    snapshot = published.snapshot
    return forget.then(snapshots.keep_snapshots((snapshot.artefact.name,)) if snapshot else None)


def _receive(archive: Published, script: Script, directory: str) -> StartStep:
    name = archive.artefact.name
    return _step(f"receive {name}", script, stdin=archive.key, unless=f"{directory}/{name}/{COMPLETE}")


def _step(
    name: str, script: Script, *, stdin: str | tuple[StartFile, ...] | None = None, unless: str | None = None
) -> StartStep:
    return StartStep(name=name, script=script.command_line_of_root(), stdin=stdin, unless=unless)


def _file(file: HostFile) -> StartFile:
    return StartFile(path=str(file.path), mode=file.mode, content=file.content.decode())
