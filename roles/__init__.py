"""What a host becomes, and how releases reach it."""

import sys

# Invoke has turned it off by now, for the sake of task files it loads: each command of an operator would compile all of
# this anew, which takes longer than running it.
sys.dont_write_bytecode = False
