"""Everything that somebody may alter on a host is noticed: it is altered here, seen, and put back."""

import contextlib
import re
import time
from dataclasses import dataclass

import pytest

from tests.deploy.clients import asking
from tests.deploy.faults import on_host_until_left
from tests.deploy.test_rollout import on_host, running, url
from tests.stands.lab import SMALL, LabStack

HOST = "barat-app-1"
CHECKED_WITHIN_SECONDS = 60
NATION, PROVINCE = "/static/json/hhcw/ppwp.json", "/static/json/hhcw/ppwp/-99.json"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZjFAaP7bMdhxsJvKWuv7aHF8Rrjb7Ym4cA3eXkq0y1 siti"
UNIT = "/etc/systemd/system/uji.service"
START_UNIT = f"printf '[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' > {UNIT}"


@dataclass(frozen=True)
class Alteration:
    """What somebody does on a host, how it is undone, and who must notice it by which words."""

    do: str
    undo: str
    drift: str
    verify: str


FAILED_CHECKS = "systemctl start tegak-check; systemctl list-units --failed --plain --no-legend"
EACH_SEGMENT = "for f in $(readlink -f /srv/tegak/snapshots/current)/bodies-*"
ALTERATIONS = {
    "two totals swapped in place": Alteration(
        f"{EACH_SEGMENT}; do cp -p $f /root/kept-${{f##*/}};"
        ' LC_ALL=C sed -E \'s/"21":([0-9]+),"22":([0-9]+)/"21":\\2,"22":\\1/g\' /root/kept-${f##*/}'
        " | dd of=$f conv=notrunc status=none; touch -r /root/kept-${f##*/} $f; done",
        f"{EACH_SEGMENT}; do dd if=/root/kept-${{f##*/}} of=$f conv=notrunc status=none; done",
        "bodies-0 of snapshot .* is not as it was signed; next: fab discard",
        "test_the_results_are_those_that_were_signed_to_the_last_byte",
    ),
    "code of the release": Alteration(
        "f=/srv/tegak/current/lib/app/forms.py; cp -p $f /root/forms.py; echo x = 1 >> $f",
        "mv /root/forms.py /srv/tegak/current/lib/app/forms.py",
        "lib/app/forms.py of release .* is not as it was signed",
        "test_the_release_is_the_one_that_was_signed_to_the_last_byte",
    ),
    "a daemon's program": Alteration(
        "mv /usr/sbin/nginx /root/nginx; cp -p /root/nginx /usr/sbin/nginx; printf x >> /usr/sbin/nginx",
        "mv /root/nginx /usr/sbin/nginx",
        "/usr/sbin/nginx is not as its package brought it",
        "test_every_program_is_as_its_package_brought_it",
    ),
    "a user with sudo": Alteration(
        "useradd --create-home siti; echo 'siti ALL=(ALL) ALL' > /etc/sudoers.d/siti",
        "userdel --remove siti 2> /dev/null || true; rm -f /etc/sudoers.d/siti",
        r"nobody asked for user siti \(\d+, /bin/\w+\); next: on it: deluser siti",
        "test_nobody_but_those_who_deploy_can_log_in",
    ),
    "a key": Alteration(
        f"echo '{KEY}' >> /home/deploy/.ssh/authorized_keys",
        "sed -i /siti/d /home/deploy/.ssh/authorized_keys",
        r"a key that nobody asked for \(SHA256:\S+\) lets in deploy, /home/deploy/.ssh/authorized_keys",
        "test_the_operators_key_is_the_only_one_that_lets_anybody_in",
    ),
    "a port": Alteration(
        "systemd-run --quiet --unit uji-port python3 -m http.server 4444",
        "systemctl stop uji-port",
        r"/usr/bin/python3\.\d+ listens on tcp 0\.0\.0\.0:4444, and nobody asked for that",
        "test_it_listens_only_where_its_role_needs_it",
    ),
    "a unit of nobody's": Alteration(
        f"{START_UNIT}; systemctl enable --quiet uji",
        f"systemctl disable --quiet uji; rm -f {UNIT}; systemctl daemon-reload",
        f"{UNIT} belongs to no package, no release and not to the base",
        "test_only_what_its_role_needs_starts_with_it",
    ),
    "a daemon of another role": Alteration(
        "systemctl enable --quiet haproxy 2> /dev/null",
        "systemctl disable --quiet haproxy 2> /dev/null",
        "haproxy.service starts with it, and nobody asked for that",
        "test_only_what_its_role_needs_starts_with_it",
    ),
}


def test_everything_that_is_altered_on_a_host_is_named_by_drift_and_fails_its_claim(stack: LabStack) -> None:
    """All at once: each has a sentence of its own, and no other host is named."""
    with contextlib.ExitStack() as altered:
        for each in ALTERATIONS.values():
            altered.enter_context(on_host_until_left(stack, HOST, each.do, each.undo))
        drift = stack.fab_fails("drift")
        verify = stack.run("fab", "verify", "--stack", stack.name).output
    lines = [line for line in drift.splitlines() if not line.startswith(("error: ", "next: "))]
    for what, each in ALTERATIONS.items():
        assert [line for line in lines if re.match(f"{HOST}: {each.drift}", line)], f"{what}: {drift}"
        assert f"{each.verify}[{HOST}]" in verify, what
    assert {line.split(":")[0] for line in lines} == {HOST}
    wait_for_health(stack, "ok")  # it comes back into the pool by itself
    assert "no drift" in stack.fab("drift")


@pytest.mark.night
def test_a_host_whose_results_were_altered_leaves_the_pool_by_itself_and_nobody_sees_a_wrong_number(
    stack: LabStack,
) -> None:
    each = ALTERATIONS["two totals swapped in place"]
    host = next(host for host in stack.inventory().hosts if host.name == HOST)

    def shown(address: str) -> tuple[str, str]:
        got = stack.shell(f"curl -s -w '\\n%{{http_code}}' http://{host.address}{address}").output
        body, _, status = got.rpartition("\n")
        return status, body

    signed = shown(NATION)
    assert signed[0] == "200"
    with asking(url(stack), stack.ca_file) as tally:
        with on_host_until_left(stack, HOST, each.do, each.undo):
            for _ in range(20):  # each of nginx's workers has a copy that was as signed, or none
                assert (now := shown(NATION)) == signed or now[0] == "503"
            assert shown(PROVINCE)[0] == "503"  # what nobody has asked for is read
            assert wait_for_health(stack, "altered results: bodies-0 is not as it was signed") <= CHECKED_WITHIN_SECONDS
            assert f"{HOST}: its load balancer finds it down" in stack.fab_fails("drift")
            assert shown("/ppwp/hitung-suara")[0] == "503"
        assert wait_for_health(stack, "ok") <= CHECKED_WITHIN_SECONDS
    assert tally.failures == []
    assert "no drift" in stack.fab("drift")


def wait_for_health(stack: LabStack, words: str) -> float:
    """How long it takes until `fab status` says so of the host, in seconds."""
    started = time.monotonic()
    while not re.search(
        rf"{HOST} .* {words}\s*$", stack.run("fab", "status", "--stack", stack.name).output, re.MULTILINE
    ):
        assert time.monotonic() < started + 2 * CHECKED_WITHIN_SECONDS
        time.sleep(1)
    return time.monotonic() - started


SUMS = "/var/lib/dpkg/info/socat.md5sums"
REPLACE = (
    "mv /usr/bin/socat /root/socat; cp -p /root/socat /usr/bin/socat; printf x >> /usr/bin/socat;"
    f" cp -p {SUMS} /root/sums; sum=$(md5sum < /usr/bin/socat);"
    f' sed -i "s/^[0-9a-f]*\\(  usr.bin.socat\\)$/${{sum%% *}}\\1/" {SUMS}'
)


def test_who_makes_dpkg_believe_in_a_replaced_program_is_found_by_the_other_hosts(stack: LabStack) -> None:
    with on_host_until_left(stack, HOST, REPLACE, f"mv /root/socat /usr/bin/socat; mv /root/sums {SUMS}"):
        drift = stack.fab_fails("drift")
    assert f"{HOST}: dpkg does not believe of socat" in drift
    assert "is not as its package brought it" not in drift  # the host by itself has nothing to say


def test_an_altered_host_is_discarded_and_gets_everything_anew_without_a_failed_request(stack: LabStack) -> None:
    (release,) = running(stack)
    each = ALTERATIONS["code of the release"]
    altered = on_host_until_left(stack, HOST, each.do, "rm -rf /root/forms.py /srv/tegak/discarded")
    with altered, asking(url(stack), stack.ca_file) as tally:
        assert "every host has it already" in stack.fab("deploy", "--release", release)  # by its name, it has
        assert "is out of the pool" in stack.fab("discard", HOST, "--reason", "altered code")
        assert f"{HOST}: has release none" in stack.fab_fails("drift")
        stack.fab("publish", "--source", SMALL)
        # Results without a release: nothing can check them yet, and nothing has failed for that.
        assert on_host(stack, HOST, "sh", "-c", FAILED_CHECKS) == ""
        assert "1 hosts changed" in stack.fab("deploy", "--release", release)
    assert tally.failures == []
    assert "no drift" in stack.fab("drift")
    assert "discard" in stack.fab("history")
