"""What a host does at its first boot: the script as it is handed to EC2."""

import ast
import base64
import json
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infra.aws.location.boot import MOST_BYTES, boot_script
from infra.aws.location.context import LocationContext
from infra.aws.names import Names
from infra.aws.outputs import AccountOutputs
from infra.settings.location import AwsLocationSettings
from roles.artefacts.files import Templates
from roles.aws.members import read_console
from roles.scripts import layout
from tests.program.aws_site import BEFORE, HOME, HOSTILE_KEY, LONGEST_NAME, SIGNERS, changed
from tests.stands.graph import Graph

VALUES = {
    "host": SimpleNamespace(name="h", location="l", kind="aws", roles=("base", "app"), ssh_user="deploy"),
    "inventory": None,
    "layout": layout,
    "signers": "",
}


def script_of(aws: Graph, location: str = "jakarta") -> str:
    return base64.b64decode(aws.inputs("LaunchTemplate", f"{location}-host")["userData"]).decode()


def block(script: str, word: str) -> tuple[str, str]:
    """The path and the content of a file that the script writes between two words."""
    (found,) = re.findall(rf"^cat > (\S+) <<'{word}'\n(.*?)^{word}$", script, re.MULTILINE | re.DOTALL)
    return found


def test_a_shell_can_read_the_script(usual: Graph) -> None:
    result = subprocess.run(["sh", "-n"], input=script_of(usual), text=True, capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_python_can_read_what_a_host_starts_with(usual: Graph) -> None:
    path, text = block(script_of(usual), "PYTHON")
    assert path == "/usr/local/sbin/tegak-start"
    assert text.startswith("#!/usr/bin/python3 -I\n")
    assert ast.parse(text)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_can_read_the_unit(usual: Graph, tmp_path: Path) -> None:
    _, text = block(script_of(usual), "UNIT")
    unit = tmp_path / "tegak-start.service"
    unit.write_text(text.replace("/usr/local/sbin/tegak-start", "/bin/true"))
    argv = ["systemd-analyze", "verify", "--man=no", str(unit)]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "tegak-start" not in result.stderr


def test_what_a_host_prints_at_each_boot_is_what_tasks_pin(usual: Graph, tmp_path: Path) -> None:
    program, text = block(script_of(usual), "SHELL")
    unit, described = block(script_of(usual), "KEYS")
    assert f"systemctl enable --now {PurePosixPath(unit).name}\n" in script_of(usual)
    assert f"ExecStart={program} /dev/console\n" in described
    subprocess.check_call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "ssh_host_ed25519_key")])
    subprocess.check_call(["sh", "-c", text.replace("/etc/ssh", str(tmp_path)), "sh", str(tmp_path / "console")])
    printed = (tmp_path / "console").read_text()
    key = (tmp_path / "ssh_host_ed25519_key.pub").read_text()
    assert read_console(f"boot\n{printed}login:") == [" ".join(key.split()[:2])]


def test_the_unit_waits_for_the_hook_that_the_group_holds(usual: Graph) -> None:
    _, text = block(script_of(usual), "ENV")
    assert f"TEGAK_HOOK={usual.inputs('LifecycleHook', 'jakarta-ready')['name']}\n" in text
    assert "EnvironmentFile=/etc/tegak/start.env\n" in block(script_of(usual), "UNIT")[1]


def test_a_host_that_is_not_ready_goes_on_trying_until_its_group_gives_it_up(usual: Graph) -> None:
    _, unit = block(script_of(usual), "UNIT")
    assert "\nStartLimitIntervalSec=0\n" in unit
    assert "\nRestart=on-failure\n" in unit
    # cloud-init's own log ends, and a first try that fails is no failure of the boot script.
    assert script_of(usual).endswith("\nsystemctl start --no-block tegak-start.service\n")


def test_a_host_knows_who_may_sign_and_whom_it_belongs_to(usual: Graph) -> None:
    path, signers = block(script_of(usual), "SIGNERS")
    assert (path, signers) == (str(layout.ALLOWED_SIGNERS), f"{SIGNERS}\n")
    _, location = block(script_of(usual), "ENV")
    assert {
        "TEGAK_STACK=uji",
        "TEGAK_LOCATION=jakarta",
        f"TEGAK_BUCKET={usual.outputs['publication']['bucket']}",
    } < set(location.splitlines())
    # What base.files places there is the same: no drift.
    base = Templates.of_checkout(("base",)).files("base", {**VALUES, "signers": SIGNERS})
    assert next(file.content for file in base if file.path == layout.ALLOWED_SIGNERS).decode() == signers


def test_nothing_in_the_operators_key_means_anything_to_the_shell(other: Graph, tmp_path: Path) -> None:
    script = script_of(other, LONGEST_NAME)
    path, text = block(script, "KEY")
    target = tmp_path / "authorized_keys"
    command = f"cat > {target} <<'KEY'\n{text}KEY\n"
    assert command.replace(str(target), path) in script
    assert script.count("AAAA") == 1
    subprocess.run(["sh"], input=command, text=True, check=True, cwd=tmp_path)
    assert target.read_text() == f"{HOSTILE_KEY}\n"
    assert list(tmp_path.iterdir()) == [target]


def test_ssh_listens_on_the_host_itself_alone(usual: Graph) -> None:
    (listen,) = re.findall(r"^printf '(ListenAddress[^']*)' > /etc/ssh/sshd_config.d/", script_of(usual), re.MULTILINE)
    assert listen.replace("\\n", "\n").split() == ["ListenAddress", "127.0.0.1", "ListenAddress", "::1"]


def test_agents_come_from_the_buckets_that_the_s3_endpoint_allows(usual: Graph) -> None:
    buckets = re.findall(r"install_agent \S+ '([^/]+)/\S+'", script_of(usual))
    assert buckets == [f"amazon-ssm-{HOME}", f"amazoncloudwatch-agent-{HOME}"]
    policy = usual.inputs("VpcEndpoint", "jakarta-s3")["policy"]
    assert all(f"arn:aws:s3:::{bucket}/*" in policy for bucket in buckets)


def test_the_journal_goes_to_the_log_group_that_the_host_may_write_to(usual: Graph) -> None:
    path, text = block(script_of(usual), "LOGS")
    assert path == "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json"
    kinds = json.loads(text)["logs"]["logs_collected"]
    (journal,), (failed,) = kinds["journald"]["collect_list"], kinds["files"]["collect_list"]
    group = usual.inputs("LogGroup", "jakarta-hosts")["name"]
    assert {journal["log_group_name"], failed["log_group_name"]} == {group}
    assert journal["log_stream_name"] != failed["log_stream_name"]
    assert set(journal["units"]) == {layout.SERVICE, "nginx.service", "tegak-start.service"}
    assert failed["file_path"] == str(layout.FAILED_ANSWERS)


def test_the_script_is_no_longer_than_ec2_takes(usual: Graph) -> None:
    assert len(script_of(usual).encode()) < MOST_BYTES


def test_a_script_that_ec2_would_not_take_is_refused_before_it_is_asked() -> None:
    settings, unknown = changed(), cast("Any", None)
    assert settings.night
    account = AccountOutputs(
        Names("uji", "uji"), "uji.test", unknown, "", unknown, unknown, unknown, unknown, {}, {}, {}
    )
    location = settings.of_kind(AwsLocationSettings)[0]
    location = LocationContext(
        location, settings.night, account, HOME, f"ssh-ed25519 AAAA {'x' * MOST_BYTES}", SIGNERS, BEFORE
    )
    with pytest.raises(ValueError, match="user data has"):
        boot_script(location, bucket="terbitan")


def nginx(kind: str) -> str:
    values = {**VALUES, "host": SimpleNamespace(name="h", location="l", kind=kind)}
    files = {file.path: file for file in Templates.of_checkout(("app",)).files("app", values)}
    return files[PurePosixPath("/etc/nginx/nginx.conf")].content.decode()


def test_nginx_speaks_tls_with_what_the_host_made_at_its_first_boot(usual: Graph) -> None:
    config, port = nginx("aws"), usual.inputs("TargetGroup", "jakarta-app")["port"]
    assert f"listen {port:.0f} ssl " in config
    files = re.findall(r"ssl_certificate(?:_key)? (\S+);", config)
    assert files == ["/etc/tegak/tls/host.crt", "/etc/tegak/tls/host.key"]
    assert all(file in script_of(usual) for file in files)


def test_where_nobody_asks_with_tls_nginx_needs_no_certificate() -> None:
    assert "ssl" not in nginx("lab")
