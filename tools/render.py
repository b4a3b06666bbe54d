"""Show the files that a role has on a host, without any host: `python -m tools.render base /etc/motd`.

`--inventory` prints the stack that they are rendered for, an example with a host of each role.
"""

import sys
from pathlib import PurePosixPath

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host, Inventory, parse_inventory
from infra.bridge.origin import ORIGIN_HEADER
from roles.artefacts.files import OWN_PARTS, RELEASED_ROLES, Templates
from roles.scripts import layout
from roles.scripts.host_files import HostFile

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
ROLES = ("base", *RELEASED_ROLES)


def example() -> Inventory:
    """A stack of one location with a host of each role."""
    hosts = [("barat-lb-1", "barat", "lb"), ("barat-app-1", "barat", "app"), ("edge-1", "edge", "edge")]
    return parse_inventory(
        {
            "schema": 1,
            "operator_key": {"file": ".secrets/operator.pub", "public": KEY},
            "stack": "contoh",
            "locations": [{"name": "barat", "kind": "lab", "endpoint": {"address": "198.18.1.10", "port": 80}}],
            "edge": {"server_name": "hasil.contoh.test", "url": "https://198.18.0.10", "address": "198.18.0.10"},
            "hosts": [
                {
                    "name": name,
                    "location": location,
                    "kind": "lab",
                    "roles": ["base", role],
                    "address": f"198.18.1.{number}",
                    "ssh_user": "deploy",
                    "host_keys": [KEY],
                }
                for number, (name, location, role) in enumerate(hosts, start=10)
            ],
        }
    )


def render(role: str, inventory: Inventory) -> list[HostFile]:
    """The files of a role on the first host that has it.

    Raises:
        OperatorError: There is no such role, or a template can't be used.
    """
    if role not in ROLES:
        raise OperatorError(f"there is no role {role!r}; there are: {', '.join(ROLES)}")
    host: Host = next(host for host in inventory.hosts if role in host.roles)
    values = {"host": host, "inventory": inventory, "layout": layout, "signers": KEY, "origin_header": ORIGIN_HEADER}
    return list(Templates.of_checkout({*RELEASED_ROLES, *OWN_PARTS}).files(role, values))


def main(arguments: list[str]) -> int:
    """Print the files; return the exit code."""
    if not arguments:
        print(f"usage: python -m tools.render ROLE [PATH], or --inventory; roles: {', '.join(ROLES)}", file=sys.stderr)
        return 2
    if arguments == ["--inventory"]:
        print(example().model_dump_json(by_alias=True))
        return 0
    try:
        files = render(arguments[0], example())
    except OperatorError as error:
        print(error.report(), file=sys.stderr)
        return error.exit_code
    wanted = {PurePosixPath(path) for path in arguments[1:]}
    for file in files:
        if not wanted or file.path in wanted:
            print(f"--- {file.path}, mode {file.mode:o}\n{file.content.decode()}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
