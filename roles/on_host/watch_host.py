"""Runs on an app host, with its own Python and nothing else: asks the host itself.

For a location whose load balancer doesn't tell its hosts apart. Standard input and output are described at
`roles.rollout.gate`.
"""

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # on the host it stands before this program (see `roles.scripts.gate`)
    from roles.on_host.asking import addresses, ask_all  # noqa: TC004


def main() -> None:
    """Ask, then print what was seen."""
    asked = json.load(sys.stdin)
    place = ("127.0.0.1", asked["port"])
    answers = ask_all(asked, dict.fromkeys(asked["canaries"], place), addresses(asked, [place]))
    sys.stdout.write(json.dumps({"answers": answers}))


main()
