"""What a host does at its first boot: the script as it is handed to EC2."""

import ast
import base64
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infra.aws.boot import MOST_BYTES, boot_script
from infra.aws.names import Names
from infra.aws.outputs import AccountOutputs
from infra.aws.place import Place
from infra.location_settings import AwsLocationSettings
from roles.aws.members import read_console
from roles.files import Templates
from roles.scripts import layout
from tests.program.aws import BEFORE, HOME, AwsRecorder, changed, make

HOSTILE = 'ssh-ed25519 AAAA it\'s $(touch made) `touch made` \\ "op"'


def script_of(aws: AwsRecorder, location: str = "jakarta") -> str:
    return base64.b64decode(aws.one("LaunchTemplate", f"{location}-host")["userData"]).decode()


def block(script: str, word: str) -> tuple[str, str]:
    """The path and the content of a file that the script writes between two words."""
    (found,) = re.findall(rf"^cat > (\S+) <<'{word}'\n(.*?)^{word}$", script, re.MULTILINE | re.DOTALL)
    return found


def test_a_shell_can_read_the_script(usual: AwsRecorder) -> None:
    result = subprocess.run(["sh", "-n"], input=script_of(usual), text=True, capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_python_can_read_the_part_that_says_when_it_is_ready(usual: AwsRecorder) -> None:
    path, text = block(script_of(usual), "PYTHON")
    assert path == "/usr/local/sbin/tegak-ready"
    assert ast.parse(text)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_can_read_the_unit(usual: AwsRecorder, tmp_path: Path) -> None:
    _, text = block(script_of(usual), "UNIT")
    unit = tmp_path / "tegak-ready.service"
    unit.write_text(text.replace("/usr/local/sbin/tegak-ready", "/bin/true"))
    argv = ["systemd-analyze", "verify", "--man=no", str(unit)]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "tegak-ready" not in result.stderr


def test_what_a_host_prints_at_each_boot_is_what_tasks_pin(usual: AwsRecorder, tmp_path: Path) -> None:
    program, text = block(script_of(usual), "SHELL")
    unit, described = block(script_of(usual), "KEYS")
    assert f"systemctl enable --now {PurePosixPath(unit).name}\n" in script_of(usual)
    assert f"ExecStart={program} /dev/console\n" in described
    subprocess.check_call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "ssh_host_ed25519_key")])
    subprocess.check_call(["sh", "-c", text.replace("/etc/ssh", str(tmp_path)), "sh", str(tmp_path / "console")])
    printed = (tmp_path / "console").read_text()
    key = (tmp_path / "ssh_host_ed25519_key.pub").read_text()
    assert read_console(f"boot\n{printed}login:") == [" ".join(key.split()[:2])]


def test_the_unit_waits_for_the_hook_that_the_group_holds(usual: AwsRecorder) -> None:
    _, text = block(script_of(usual), "ENV")
    assert f"TEGAK_HOOK={usual.one('LifecycleHook', 'jakarta-ready')['name']}\n" in text
    assert "EnvironmentFile=/etc/tegak/place.env\n" in block(script_of(usual), "UNIT")[1]


def test_nothing_in_the_operators_key_means_anything_to_the_shell(aws: AwsRecorder, tmp_path: Path) -> None:
    make(operator_key=HOSTILE)
    path, text = block(script_of(aws), "KEY")
    target = tmp_path / "authorized_keys"
    command = f"cat > {target} <<'KEY'\n{text}KEY\n"
    assert command.replace(str(target), path) in script_of(aws)
    assert script_of(aws).count("AAAA") == 1
    subprocess.run(["sh"], input=command, text=True, check=True, cwd=tmp_path)
    assert target.read_text() == f"{HOSTILE}\n"
    assert list(tmp_path.iterdir()) == [target]


def test_ssh_listens_on_the_host_itself_alone(usual: AwsRecorder) -> None:
    (listen,) = re.findall(r"^printf '(ListenAddress[^']*)' > /etc/ssh/sshd_config.d/", script_of(usual), re.MULTILINE)
    assert listen.replace("\\n", "\n").split() == ["ListenAddress", "127.0.0.1", "ListenAddress", "::1"]


def test_the_ssm_agent_comes_from_the_bucket_that_the_s3_endpoint_allows(usual: AwsRecorder) -> None:
    (bucket,) = re.findall(r"^    bucket='https://s3\.\S+\.amazonaws\.com/(\S+)'$", script_of(usual), re.MULTILINE)
    assert f"arn:aws:s3:::{bucket}/*" in usual.one("VpcEndpoint", "jakarta-s3")["policy"]


def test_the_script_is_no_longer_than_ec2_takes(usual: AwsRecorder) -> None:
    assert len(script_of(usual).encode()) < MOST_BYTES


def test_a_script_that_ec2_would_not_take_is_refused_before_it_is_asked() -> None:
    settings, unknown = changed(), cast("Any", None)
    assert settings.night
    account = AccountOutputs(
        Names("uji", "uji"), "uji.test", unknown, "", unknown, unknown, unknown, unknown, {}, {}, {}
    )
    location = settings.of_kind(AwsLocationSettings)[0]
    place = Place(location, settings.night, account, HOME, f"ssh-ed25519 AAAA {'x' * MOST_BYTES}", BEFORE)
    with pytest.raises(ValueError, match="user data has"):
        boot_script(place, bucket="terbitan")


def nginx(kind: str) -> str:
    values = {
        "host": SimpleNamespace(name="h", location="l", kind=kind),
        "inventory": None,
        "layout": layout,
        "signers": "",
    }
    files = {file.path: file for file in Templates.of_checkout(("app",)).files("app", values)}
    return files[PurePosixPath("/etc/nginx/nginx.conf")].content.decode()


def test_nginx_speaks_tls_with_what_the_host_made_at_its_first_boot(usual: AwsRecorder) -> None:
    config, port = nginx("aws"), usual.one("TargetGroup", "jakarta-app")["port"]
    assert f"listen {port:.0f} ssl " in config
    files = re.findall(r"ssl_certificate(?:_key)? (\S+);", config)
    assert files == ["/etc/tegak/tls/host.crt", "/etc/tegak/tls/host.key"]
    assert all(file in script_of(usual) for file in files)


def test_where_nobody_asks_with_tls_nginx_needs_no_certificate() -> None:
    assert "ssl" not in nginx("lab")
