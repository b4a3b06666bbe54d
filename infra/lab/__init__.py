"""Locations of kind `lab`: real systemd hosts in namespaces on this machine."""
