"""Bringing the edge its certificate and key."""

from roles.scripts.layout import EDGE_CERTIFICATE, EDGE_KEY
from roles.scripts.quoting import Script, command, script

CONFIGURATION = "/etc/haproxy/haproxy.cfg"
STAGE = EDGE_CERTIFICATE.with_name("new.XXXXXX")
UNCHANGED = "unchanged"


def place_certificate() -> Script:
    """Place what standard input has, a tar of both files, and let HAProxy take it; what it refuses is put back.

    Prints `unchanged` where the edge has both already.
    """
    files = (EDGE_KEY, EDGE_CERTIFICATE)
    same = " && ".join(f'cmp -s "$stage"{command(file)} {command(file)}' for file in files)
    refused = command("echo", "HAProxy refuses the new certificate, the old one stays:")
    return script(
        "umask 077",
        command("install", "-d", "-m", "0755", EDGE_CERTIFICATE.parent),
        # Beside its place, so that a rename is enough; a key is never anywhere else on the host.
        f"stage=$(mktemp -d {command(STAGE)}); trap 'rm -rf \"$stage\"' EXIT",
        'tar -x -C "$stage" --no-same-owner',
        f"if {same}; then {command('echo', UNCHANGED)}; exit 0; fi",
        *(f'[ ! -e {command(file)} ] || cp -p {command(file)} "$stage"/{file.name}.old' for file in files),
        *(f'mv -T "$stage"{command(file)} {command(file)}' for file in files),
        "systemctl is-active --quiet haproxy || exit 0",
        f"if ! message=$({command('haproxy', '-c', '-q', '-f', CONFIGURATION)} 2>&1); then",
        *(f'  mv -T "$stage"/{file.name}.old {command(file)}' for file in files),
        f'  {{ {refused} "$message"; }} | tail -3 >&2; exit 1',
        "fi",
        command("systemctl", "reload", "haproxy"),
        timeout_seconds=30,
    )
