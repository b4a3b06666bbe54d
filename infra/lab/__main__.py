"""The lab by hand: `python -m infra.lab sweep STACK`, `python -m infra.lab end STACK HOST`.

`sweep` removes a lab whose checkout, and with it its state, is gone. `end` ends a host like a power cut, for a
rehearsal; `pulumi up` repairs it.
"""

import argparse
import sys

from infra.bridge.errors import OperatorError
from infra.lab.claim import stacks_here, sweep
from infra.lab.disk import Disk
from infra.lab.machine import end
from infra.lab.paths import host_directory, stack_directory
from infra.lab.preflight import check_machine


def check_known(stack: str) -> None:
    """Refuse a stack that has no lab here.

    Raises:
        OperatorError: The message has the names there are.
    """
    here = stacks_here()
    if stack not in here:
        raise OperatorError(f"no stack '{stack}' has a lab on this machine; there are: {', '.join(here) or 'none'}")


def end_host(stack: str, host: str) -> None:
    """End a host.

    Raises:
        OperatorError: The stack has none of this name; the message has the names there are.
    """
    here = sorted(directory.name for directory in (stack_directory(stack) / "hosts").iterdir())
    if host not in here:
        raise OperatorError(f"stack '{stack}' has no host '{host}' here; there are: {', '.join(here)}")
    end(Disk(host_directory(stack, host)))


def main() -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.lab")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("sweep", help="remove a lab whose checkout is gone").add_argument("stack")
    ending = actions.add_parser("end", help="end a host like a power cut; pulumi up repairs it")
    ending.add_argument("stack")
    ending.add_argument("host")
    arguments = parser.parse_args()
    try:
        check_machine()
        check_known(arguments.stack)
        if arguments.action == "end":
            end_host(arguments.stack, arguments.host)
        else:
            sweep(arguments.stack)
    except OperatorError as error:
        sys.stderr.write(error.report() + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
