"""What is true of a load balancer that a CDN asks. The name and the secret are read on the host, and stay there."""

import pytest

from tests.hosts.remote import Remote

NAMES, SECRET = "/etc/tegak/origin/names", "/etc/tegak/origin/secret"
ASK = """
name=$(sudo awk '{print $2}' /etc/tegak/origin/names)
secret=$(sudo cat /etc/tegak/origin/secret)
printf 'url = "https://%s%s"\\nresolve = "%s:443:127.0.0.1"\\npath-as-is\\n'"$2" "$name" "$1" "$name" "$secret" |
    curl -ks --max-time 5 -o /dev/null -w '%{http_code}' -K -
"""
"""Asks for a path as the CDN does: what is secret goes through pipes, not through the words of a process."""

SHOWN = 'header = "x-tegak-origin: %s"\\n'
NOT_SHOWN, ANOTHER = "# %.0s\\n", 'header = "x-tegak-origin: %s."\\n'
OLD_TLS = """
openssl s_client -connect 127.0.0.1:443 -servername "$(sudo awk '{print $2}' /etc/tegak/origin/names)" \\
    "$1" -cipher DEFAULT@SECLEVEL=0 < /dev/null 2>&1
"""


def ask(host: Remote, path: str, header: str) -> str:
    """The status of the answer; 000 where there is none."""
    return host.run("bash -c %s ask %s %s", ASK, path, header).stdout


def test_it_answers_who_shows_the_secret(cdn_balancer: Remote) -> None:
    assert ask(cdn_balancer, "/version", SHOWN) == "200"


@pytest.mark.parametrize("header", [NOT_SHOWN, ANOTHER], ids=["no header", "another word"])
@pytest.mark.parametrize("path", ["/version", "/ppwp/hitung-suara", "/healthz/", "/healthz/..", "//healthz"])
def test_it_refuses_everybody_else(cdn_balancer: Remote, path: str, header: str) -> None:
    assert ask(cdn_balancer, path, header) == "403"


def test_health_checkers_need_no_secret(cdn_balancer: Remote) -> None:
    assert ask(cdn_balancer, "/healthz", NOT_SHOWN) == "200"


@pytest.mark.parametrize("name", ["", "-servername localhost", "-servername hasil.example"])
def test_it_shows_no_certificate_to_who_does_not_know_the_name(cdn_balancer: Remote, name: str) -> None:
    asked = name or "-noservername"
    shown = cdn_balancer.run(f"openssl s_client -connect 127.0.0.1:443 {asked} < /dev/null 2>&1")
    assert "BEGIN CERTIFICATE" not in shown.stdout
    assert "no peer certificate available" in shown.stdout


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_tls_is_refused_by_it_and_not_by_who_asks(cdn_balancer: Remote, version: str) -> None:
    assert "alert protocol version" in cdn_balancer.run("bash -c %s ask %s", OLD_TLS, version).stdout


def test_what_is_secret_is_readable_by_root_alone(cdn_balancer: Remote) -> None:
    for file in (NAMES, SECRET, "/etc/tegak/tls/origin.key"):
        assert cdn_balancer.check_output(f"sudo stat -c '%a %U %G' {file}") == "600 root root", file


def test_no_log_and_no_process_has_the_secret(cdn_balancer: Remote) -> None:
    assert len(cdn_balancer.check_output(f"sudo cat {SECRET}")) >= 20  # nothing is found nowhere
    look = f"sudo journalctl --no-pager | sudo grep -cFf {SECRET}; ps -eo args | sudo grep -cFf {SECRET}"
    assert cdn_balancer.run(look).stdout.split() == ["0", "0"]
