"""Locations of kind `aws` at run time: their hosts, the way to them, and their place in the load balancer."""
