"""What a host of a group does when it boots for the first time."""

import json
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pulumi import Output

from infra.aws.location.context import LocationContext
from infra.bridge.bucket_layout import start_key

PROJECT_DIRECTORY = Path(__file__).resolve().parents[3]
TEMPLATES = PROJECT_DIRECTORY / "templates/boot"
START_PROGRAM = PROJECT_DIRECTORY / "roles/on_host/start_host.py"
"""What the host runs until it serves what is published."""

READY_HOOK = "ready"
"""A new host holds this hook of its group until it is ready; one that never is, is replaced."""

READY_SECONDS = 900
"""How long a host may take to be ready: five minutes are usual, packages and all."""

SHIPPED_UNITS = ("tegak-results.service", "nginx.service", "tegak-start.service")
FAILED_ANSWERS = "/var/log/nginx/failed.log"
"""A line for each answer of status 5xx (templates/app/etc/nginx/nginx.conf.j2)."""

MOST_BYTES = 16_384
"""Of user data, by EC2's rule, before it is encoded."""


def user_data(location: LocationContext) -> Output[str]:
    """The script that cloud-init runs, as text.

    Args:
        location: The location.
    """
    return Output.all(bucket=location.account.publication_bucket).apply(lambda known: boot_script(location, **known))


def boot_script(location: LocationContext, *, bucket: str) -> str:
    """The script, once everything is known.

    Args:
        location: The location.
        bucket: The bucket of releases and snapshots.
    """
    # Not HTML: the script has what comes from people where the shell changes nothing.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    script = environment.get_template("user-data.sh.j2").render(
        location=location,
        bucket=bucket,
        hook=READY_HOOK,
        start_key=start_key(location.name),
        start_program=START_PROGRAM.read_text(encoding="utf-8"),
        logs=json.dumps(logs_shipped(location)),
    )
    if len(script.encode()) > MOST_BYTES:
        raise ValueError(f"user data has {len(script.encode())} bytes, more than {MOST_BYTES}")
    return script


def logs_shipped(location: LocationContext) -> Mapping[str, object]:
    """What the CloudWatch agent ships to the location's log group; it can read the journal since PR 2121 of 2026.

    https://github.com/aws/amazon-cloudwatch-agent/pull/2121

    Args:
        location: The location.
    """
    group = {"log_group_name": location.log_group_name}
    journal = {**group, "log_stream_name": "{instance_id}", "units": list(SHIPPED_UNITS)}
    failed = {**group, "log_stream_name": "{instance_id}-failed", "file_path": FAILED_ANSWERS}
    collected = {"journald": {"collect_list": [journal]}, "files": {"collect_list": [failed]}}
    return {"agent": {"run_as_user": "cwagent"}, "logs": {"logs_collected": collected}}
