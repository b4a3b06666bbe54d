"""What no resource may be ends a preview of the real engine, before a provider is asked for anything."""

import os
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = """
import pulumi
from pulumi_aws import vpc

from infra.guards import refuse_bad_resources
from tests.unit.infra.test_guards import SETTINGS, TAGS

refuse_bad_resources(SETTINGS)
vpc.SecurityGroupIngressRule(
    "pintu",
    security_group_id="sg-1",
    ip_protocol="tcp",
    from_port=22,
    to_port=22,
    cidr_ipv4=pulumi.Output.from_input("10.0.0.0/8"),
    region="ap-southeast-3",
    tags=TAGS,
)
"""


@pytest.fixture
def preview(tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    (tmp_path / "state").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("{name: uji, runtime: python, backend: {url: 'file://./state'}}")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PULUMI_CONFIG_PASSPHRASE": "uji"}
    engine = str(PROJECT / ".venv/bin/pulumi")
    subprocess.run([engine, "stack", "init", "uji"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    argv = [engine, "preview", "--stack", "uji", "--non-interactive"]
    return subprocess.run(argv, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)


def test_a_preview_of_a_bad_resource_fails_with_a_sentence(preview: "subprocess.CompletedProcess[str]") -> None:
    shown = preview.stdout + preview.stderr
    assert preview.returncode != 0
    assert "error: SecurityGroupIngressRule pintu lets ssh in" in shown
    assert "Traceback" not in shown
    assert "pulumi-resource-aws" not in shown
