"""Changing the running system: a plan is built from what is observed, shown, carried out, and undone if it fails."""
