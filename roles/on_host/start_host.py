"""Runs on a host of a group at each boot: does what is published for its location, and then lets it into its pool.

The group holds a new host, and one out of its warm pool, by a hook. Until that is completed, it gets no request. What
is to be done is signed, and made by roles/bucket/start.py. Whatever fails is one line; systemd tries again until the
group's own time-out replaces the host. It comes to the host as a part of its user data (infra/aws/location/boot.py):
Debian's Python and boto3 are all that it needs.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]  # it has none
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

ALLOWED_SIGNERS, SIGNER, NAMESPACE = "/etc/tegak/allowed_signers", "release@tegak", "tegak-start"
CURRENT_RELEASE = Path("/srv/tegak/current")
SCHEMA = 1
CHUNK_BYTES = 1024 * 1024
HOOK_SECONDS, EVERY_SECONDS = 30, 5
HELD = Path("/run/tegak-start/held")
Json = dict[str, Any]


class HostNotReadyError(Exception):
    """Why the host can't enter its pool yet."""


def say(words: str) -> None:
    """Say it in the journal, and on the console: an operator can read that without reaching the host."""
    print(words, flush=True)
    with contextlib.suppress(OSError), Path("/dev/console").open("a", encoding="utf-8") as console:
        console.write(f"tegak-start: {words}\n")


def metadata(path: str, method: str = "GET", **headers: str) -> str:
    """What EC2 says of this host."""
    request = urllib.request.Request(f"http://169.254.169.254/latest/{path}", method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  # its address is written above
        return answer.read().decode()


def instance_id() -> str:
    """This host's id."""
    token = metadata("api/token", "PUT", **{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    return metadata("meta-data/instance-id", **{"X-aws-ec2-metadata-token": token})


class Group:
    """The group that holds this host."""

    def __init__(self, environment: Mapping[str, str], instance: str) -> None:
        self._client = client("autoscaling", environment["TEGAK_REGION"])
        self._action = {
            "AutoScalingGroupName": environment["TEGAK_GROUP"],
            "LifecycleHookName": environment["TEGAK_HOOK"],
            "InstanceId": instance,
        }

    def holds_it(self) -> bool:
        """Whether it does: not where a host that is in use restarts, whose state is the tasks' business.

        Asking sets the hook's time-out anew, so that it is asked once a boot: trying must come to an end.
        """
        deadline = time.monotonic() + HOOK_SECONDS
        while not HELD.exists():
            if self._acts(self._client.record_lifecycle_action_heartbeat):
                HELD.touch()
            elif time.monotonic() > deadline:
                return False
            else:
                time.sleep(EVERY_SECONDS)
        return True

    def let_go(self) -> None:
        """Let the host into its pool; fine if an answer was lost, and it is there."""
        self._acts(self._client.complete_lifecycle_action, LifecycleActionResult="CONTINUE")

    def _acts(self, call: Callable[..., object], **more: str) -> bool:
        try:
            call(**self._action, **more)
        except ClientError as error:
            if "No active Lifecycle Action" not in str(error):
                raise
            return False
        return True


class BucketReader:
    """What is published."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        region = environment["TEGAK_BUCKET_REGION"]
        # There is no NAT: a bucket of another region is reached over IPv6 alone.
        self._client = client("s3", region, use_dualstack_endpoint=region != environment["TEGAK_REGION"])
        self._environment = environment

    def start(self) -> bytes | None:
        """What the hosts of this location do; None where nothing was published for them yet."""
        try:
            return self._open(self._environment["TEGAK_START"])["Body"].read()
        except ClientError as error:
            if code_of(error) == "NoSuchKey":
                return None
            raise

    def archive(self, key: str, size_bytes: int) -> Iterable[bytes]:
        """The bytes of an archive, as they come."""
        try:
            found = self._open(key)
        except ClientError as error:
            if code_of(error) == "NoSuchKey":
                raise HostNotReadyError(f"{key} is not in the bucket yet") from None
            raise
        if found["ContentLength"] != size_bytes:
            raise HostNotReadyError(f"{key} has {found['ContentLength']} bytes in the bucket, not {size_bytes}")
        return iter(lambda: found["Body"].read(CHUNK_BYTES), b"")

    def _open(self, key: str) -> Json:
        return self._client.get_object(Bucket=self._environment["TEGAK_BUCKET"], Key=key)


def client(service: str, region: str, **more: bool) -> Any:  # noqa: ANN401  # boto3 makes its clients' types at run time
    """A client that soon gives up: systemd tries again, with a line that says why."""
    config = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 2}, **more)
    return cast("Any", boto3).client(service, region_name=region, config=config)


def code_of(error: ClientError) -> str:
    """What AWS calls it."""
    return str(cast("Json", error.response)["Error"]["Code"])  # pyright: ignore[reportUnknownMemberType]


def checked(document: bytes, environment: Mapping[str, str]) -> Json:
    """What was signed, by who may, for this location of this stack."""
    try:
        outer = json.loads(document)
        signature, text = outer["signature"].encode(), outer["body"].encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HostNotReadyError("start.json is not what it should be") from None
    with tempfile.NamedTemporaryFile() as file:
        file.write(signature)
        file.flush()
        argv = ["ssh-keygen", "-Y", "verify", "-f", ALLOWED_SIGNERS, "-I", SIGNER, "-n", NAMESPACE, "-s", file.name]
        if subprocess.run(argv, input=text, capture_output=True, check=False).returncode != 0:
            raise HostNotReadyError(f"start.json has no valid signature of {SIGNER} for {NAMESPACE}")
    body = json.loads(text)
    if body.get("schema") != SCHEMA:
        raise HostNotReadyError(f"start.json is of version {body.get('schema')}, and this host knows {SCHEMA}")
    whom = f"{body['location']} of {body['stack']}"
    own = f"{environment['TEGAK_LOCATION']} of {environment['TEGAK_STACK']}"
    if whom != own:
        raise HostNotReadyError(f"start.json is for {whom}, not for {own}")
    return body


def packed(files: list[Json], placeholder: str, instance: str) -> bytes:
    """Files as a tar, with this host's own id in them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for file in files:
            content = file["content"].replace(placeholder, instance).encode()
            info = tarfile.TarInfo(file["path"].lstrip("/"))
            info.size, info.mode, info.uname, info.gname = len(content), file["mode"], "root", "root"
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def read_by(step: Json, body: Json, bucket: BucketReader, instance: str) -> Iterable[bytes]:
    """What a step reads, in pieces."""
    if isinstance(step["stdin"], str):
        sizes = {each["key"]: each["size_bytes"] for each in body["artefacts"]}
        return bucket.archive(step["stdin"], sizes[step["stdin"]])
    return [packed(step["stdin"], body["placeholder"], instance)] if step["stdin"] else []


def run(step: Json, pieces: Iterable[bytes]) -> None:
    """Run a step; its script checks by itself what it reads, so that half of an archive is refused there."""
    with tempfile.TemporaryFile() as said:
        argv = ["bash", "-c", step["script"]]
        # It may end without reading everything, and says why; leaving this block closes its input and waits for it.
        with (
            contextlib.suppress(BrokenPipeError),
            subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=said, stderr=said) as process,
        ):
            for piece in pieces:
                cast("IO[bytes]", process.stdin).write(piece)
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    if process.returncode != 0:
        raise HostNotReadyError(f"{step['name']}: {' | '.join(lines[-3:]) or f'exit code {process.returncode}'}")


def main() -> int:
    """Do what is published, until nothing newer is; then let the host into its pool."""
    environment = dict(os.environ)
    try:
        instance = instance_id()
        group, bucket = Group(environment, instance), BucketReader(environment)
        if not group.holds_it():
            say("no hook holds this host: it is left as it is")
            return 0
        done = None
        while (document := bucket.start()) != done:
            if document is None:
                raise HostNotReadyError("start.json was there, and is not any more")
            body = checked(document, environment)
            for step in body["steps"]:
                if not (step["unless"] and Path(step["unless"]).exists()):
                    run(step, read_by(step, body, bucket, instance))
            say(f"{instance} has release {body['release']} and snapshot {body['snapshot']}")
            done = document
        if done is None and CURRENT_RELEASE.exists():
            raise HostNotReadyError("nothing is published for it, but it has a release: its state may be old")
        group.let_go()
    except (HostNotReadyError, ClientError, BotoCoreError, OSError) as error:
        say(f"this host is not let into its pool: {' '.join(str(error).split())}")
        return 1
    say("this host is let into its pool")
    return 0


if __name__ == "__main__":
    sys.exit(main())
