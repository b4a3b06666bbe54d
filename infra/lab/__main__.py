"""`python -m infra.lab sweep STACK`: remove a lab whose checkout, and with it its state, is gone."""

import argparse
import sys

from infra.errors import OperatorError
from infra.lab.claim import stacks_here, sweep
from infra.preflight import check_machine


def sweep_known(stack: str) -> None:
    """Sweep a stack that has a lab here.

    Raises:
        OperatorError: There is none of this name; the message has the names there are.
    """
    here = stacks_here()
    if stack not in here:
        raise OperatorError(f"no stack '{stack}' has a lab on this machine; there are: {', '.join(here) or 'none'}")
    sweep(stack)


def main() -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.lab", description=__doc__)
    parser.add_argument("action", choices=["sweep"])
    parser.add_argument("stack", help="the stack's name")
    arguments = parser.parse_args()
    try:
        check_machine()
        sweep_known(arguments.stack)
    except OperatorError as error:
        sys.stderr.write(error.report() + "\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
