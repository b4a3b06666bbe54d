"""What is made of an examination: everything that nobody asked for is a sentence, and nothing else is."""

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from infra.bridge.inventory import Host, Inventory
from roles.artefacts.files import HostFile
from roles.hosts.examination import Altered, Clock, Examination, Listening, Tree, Units, UserAccount
from roles.tasks.drift import clock_drift
from roles.tasks.findings import Asked, disagreements, findings
from tests.unit.roles.fleets import inventory

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZjFAaP7bMdhxsJvKWuv7aHF8Rrjb7Ym4cA3eXkq0y1"
KEYS = "/home/deploy/.ssh/authorized_keys"
NGINX = HostFile(PurePosixPath("/etc/nginx/nginx.conf"), b"", actions=(("systemctl", "enable", "--quiet", "nginx"),))
UNIT = HostFile(PurePosixPath("/etc/systemd/system/tegak-results.service"), b"")
LINK = "/etc/systemd/system/multi-user.target.wants/tegak-results.service"
ALL = "0.0.0.0"  # noqa: S104  # what a host says
SSHD = (
    ("allowusers", "deploy"),
    ("authorizedkeyscommand", "none"),
    ("authorizedkeysfile", ".ssh/authorized_keys .ssh/authorized_keys2"),
    ("kbdinteractiveauthentication", "no"),
    ("passwordauthentication", "no"),
    ("permitrootlogin", "no"),
    ("trustedusercakeys", "none"),
)


def listens(program: str, port: int, address: str = ALL, protocol: str = "tcp") -> Listening:
    return Listening(protocol=protocol, address=address, port=port, programs=(program,))


SOUND = Examination(
    unknown={},
    accounts=(
        UserAccount(name="root", uid=0, login_shell="/bin/bash"),
        UserAccount(name="deploy", uid=1000, login_shell="/bin/bash"),
    ),
    powerful=(("root", "root"),),
    sudo_rules=(
        ("/etc/sudoers", "root ALL=(ALL:ALL) ALL"),
        ("/etc/sudoers", "%sudo ALL=(ALL:ALL) ALL"),
        ("/etc/sudoers", "@includedir /etc/sudoers.d"),
        ("/etc/sudoers.d/deploy", "deploy ALL=(ALL) NOPASSWD: ALL"),
    ),
    keys=(("deploy", KEYS, f"{KEY} operators"),),
    sshd=SSHD,
    listening=(
        listens("/usr/sbin/sshd", 22),
        listens("/usr/sbin/nginx", 80),
        listens("/usr/sbin/nginx", 8099, "127.0.0.1"),
        listens("/usr/lib/systemd/systemd-networkd", 68, protocol="udp"),
    ),
    units=Units(foreign=((str(UNIT.path), str(UNIT.path)), (LINK, str(UNIT.path))), enabled=("nginx.service",)),
    altered=(
        Altered(path="/etc/nginx/nginx.conf", configuration=True, missing=False),
        Altered(path="/etc/debconf.conf", configuration=True, missing=False),
    ),
    packages={"nginx 1.22 amd64": "a"},
    trees={"release": {"1.0.0": Tree(files=3)}},
)


def asked(stack: Inventory, host: Host) -> Asked:
    return Asked(stack, host, (NGINX, UNIT), KEY)


def sentences(changed: Examination) -> list[str]:
    stack = inventory((2,))
    return [str(found) for found in findings(asked(stack, stack.with_role("app")[0]), changed)]


def test_of_a_host_that_is_as_it_should_be_nothing_is_said() -> None:
    assert sentences(SOUND) == []


DISCARD = "next: fab discard barat-app-1 --reason '…'"
SCRIPT = "/usr/bin/python3.11"
FOREIGN = "/etc/systemd/system/evil.service"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unknown": {"keys": "no"}}, "barat-app-1: its keys could not be looked at (no); next: fab drift"),
        (
            {"trees": {"release": {"1.0.0": Tree(unknown="it has none")}}},
            f"nothing says whether release 1.0.0 is as it was signed: it has none; {DISCARD}",
        ),
        (
            {"trees": {"snapshot": {"s": Tree(files=2, altered=("a.json",), altered_files=1)}}},
            f"barat-app-1: a.json of snapshot s is not as it was signed; {DISCARD}",
        ),
        (
            {"trees": {"snapshot": {"s": Tree(strange=("static/json",))}}},
            f"the folder static/json of snapshot s does not hold what was signed; {DISCARD}",
        ),
        (
            {"altered": (Altered(path="/usr/sbin/nginx", configuration=False, missing=False),)},
            "barat-app-1: /usr/sbin/nginx is not as its package brought it; next: on it: dpkg -S /usr/sbin/nginx",
        ),
        (
            {"altered": (Altered(path="/etc/sudoers", configuration=True, missing=False),)},
            "/etc/sudoers is not as its package brought it",
        ),
        (
            {"altered": (Altered(path="/usr/bin/nice", configuration=False, missing=True),)},
            "/usr/bin/nice is missing, and a package brought it",
        ),
        (
            {"accounts": (*SOUND.accounts, UserAccount(name="siti", uid=1001, login_shell="/bin/sh"))},
            "nobody asked for user siti (1001, /bin/sh); next: on it: deluser siti",
        ),
        (
            {"accounts": (UserAccount(name="deploy", uid=0, login_shell="/bin/sh"),)},
            "user deploy is root under another name",
        ),
        ({"powerful": (("sudo", "siti"),)}, "siti is in the group sudo, and nobody asked for that"),
        (
            {"sudo_rules": (("/etc/sudoers.d/x", "siti ALL=(ALL) ALL"),)},
            "/etc/sudoers.d/x lets siti become somebody else; next: on it: visudo -f /etc/sudoers.d/x",
        ),
        ({"sudo_rules": (("/etc/sudoers", "@includedir /srv"),)}, "/etc/sudoers lets @includedir become somebody else"),
        ({"sudo_rules": (("/etc/sudoers", "#include /srv/x"),)}, "/etc/sudoers lets #include become somebody else"),
        ({"keys": (("root", "/root/.ssh/authorized_keys", KEY),)}, ") lets in root, /root/.ssh/authorized_keys"),
        ({"keys": (("deploy", KEYS, f"{KEY[:-2]}zz"),)}, "a key that nobody asked for (SHA256:"),
        ({"keys": (("deploy", KEYS, "cert-authority nonsense"),)}, "a key that nobody asked for (of an unknown form)"),
        ({"sshd": (*SSHD, ("allowusers", "siti"))}, "its sshd has allowusers siti; next: on it: grep -ri allowusers"),
        ({"sshd": (*SSHD[1:], ("allowusers", "siti"))}, "its sshd has allowusers siti"),
        ({"sshd": SSHD[1:]}, "its sshd lacks allowusers deploy; next: fab configure"),
        ({"listening": (listens(SCRIPT, 4444),)}, f"{SCRIPT} listens on tcp {ALL}:4444, and nobody asked for that"),
        ({"listening": (listens(SCRIPT, 53, "::1", "udp"),)}, f"{SCRIPT} listens on udp [::1]:53"),
        ({"listening": (listens("/usr/sbin/haproxy", 80),)}, "/usr/sbin/haproxy listens on tcp"),
        (
            {"listening": (listens("/usr/sbin/nginx", 8080),)},
            "nginx listens on tcp 0.0.0.0:8080, where its role is not",
        ),
        (
            {"listening": (Listening(protocol="udp", address=ALL, port=51820, programs=()),)},
            "the kernel listens on udp",
        ),
        ({"listening": (listens("/usr/sbin/nginx (deleted)", 80),)}, "/usr/sbin/nginx was replaced while it runs"),
        (
            {"units": Units(foreign=((FOREIGN, FOREIGN),))},
            f"{FOREIGN} belongs to no package, no release and not to the base; next: on it: systemctl cat evil.service",
        ),
        (
            {"units": Units(enabled=("haproxy.service",))},
            "haproxy.service starts with it, and nobody asked for that; next: on it: systemctl disable --now haproxy",
        ),
        ({"units": Units(by_hand=("ssh.socket",))}, "ssh.socket starts with it, and nobody asked for that"),
    ],
)
def test_each_thing_that_nobody_asked_for_is_one_sentence(change: dict[str, object], words: str) -> None:
    (sentence,) = sentences(SOUND.model_copy(update=change))
    assert sentence.startswith("barat-app-1: ")
    assert words in sentence


def test_many_altered_files_are_counted_and_not_all_named() -> None:
    names = tuple(f"{number}.json" for number in range(10))
    tree = Tree(files=100, altered=names, altered_files=40)
    programs = tuple(Altered(path=f"/usr/bin/{name}", configuration=False, missing=False) for name in names)
    said = sentences(SOUND.model_copy(update={"trees": {"snapshot": {"s": tree}}, "altered": programs}))
    assert len(said) == 12
    assert "35 more files of snapshot s are not as they were signed" in said[5]
    assert "5 more files are not as their packages brought them" in said[-1]


def test_what_provisioning_brings_to_a_host_of_a_group_is_asked_for_there_and_nowhere_else() -> None:
    groups = inventory((2,), ["barat"])
    own = "/etc/systemd/system/tegak-start.service"
    changed = SOUND.model_copy(
        update={
            "accounts": (*SOUND.accounts, UserAccount(name="admin", uid=1001, login_shell="/bin/bash")),
            "units": Units(foreign=((own, own),)),
            "listening": (listens("/usr/sbin/nginx", 443), listens("/usr/sbin/sshd", 22, "127.0.0.1")),
        }
    )
    assert findings(asked(groups, groups.with_role("app")[0]), changed) == []
    assert len(sentences(changed)) == 3
    reached = SOUND.model_copy(update={"listening": (listens("/usr/sbin/sshd", 22),)})
    (found,) = findings(asked(groups, groups.with_role("app")[0]), reached)
    assert "sshd listens on tcp 0.0.0.0:22, where its role is not reached" in found.text


def test_users_that_a_machines_owner_keeps_are_asked_for_where_the_settings_say_so() -> None:
    stack = inventory((2,))
    host = stack.with_role("app")[0].model_copy(update={"accounts": ("budi",)})
    others = (
        UserAccount(name="budi", uid=1002, login_shell="/bin/sh"),
        UserAccount(name="siti", uid=1001, login_shell="/bin/sh"),
    )
    (found,) = findings(asked(stack, host), SOUND.model_copy(update={"accounts": (*SOUND.accounts, *others)}))
    assert "user siti" in found.text


def test_a_package_is_what_most_hosts_believe_of_it() -> None:
    other = replace_digest("b")
    hosts = {"barat-app-1": SOUND, "barat-app-2": other, "barat-lb-1": SOUND, "timur-app-1": Examination(unknown={})}
    (found,) = disagreements(hosts)
    assert found.text == "barat-app-2: dpkg does not believe of nginx 1.22 what it does on other hosts"
    assert found.next_command == "on it: apt-get install --reinstall nginx"


def test_where_two_hosts_disagree_about_a_package_both_are_named() -> None:
    found = disagreements({"barat-app-1": SOUND, "barat-app-2": replace_digest("b")})
    assert [each.text.split(":")[0] for each in found] == ["barat-app-1", "barat-app-2"]


def replace_digest(digest: str) -> Examination:
    return SOUND.model_copy(update={"packages": {"nginx 1.22 amd64": digest}})


EXACT = Clock(0.0, 0.05)


def clocks(**offsets: float) -> dict[str, Clock]:
    return {name: replace(EXACT, offset_s=offset) for name, offset in offsets.items()}


def test_a_clock_out_of_step_is_named_and_one_within_the_measure_is_not() -> None:
    (found,) = clock_drift(clocks(a=0.2, b=-7.0, c=0.0), 5)
    assert str(found) == "b: its clock is 7.0 s behind that of others; next: on it: timedatectl"
    assert list(clock_drift({"a": Clock(5.5, 1.0)}, 5)) == []


def test_where_all_clocks_differ_alike_it_is_this_machines() -> None:
    found = [str(each) for each in clock_drift(clocks(a=60.0, b=60.1, c=50.0), 5)]
    assert found == [
        "this machine's clock is 60.0 s behind that of most hosts; next: timedatectl",
        "c: its clock is 10.0 s behind that of others; next: on it: timedatectl",
    ]


def test_without_a_host_that_answers_nothing_is_said_of_clocks() -> None:
    assert list(clock_drift({}, 5)) == []
