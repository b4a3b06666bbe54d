"""Set-up of a checkout."""
