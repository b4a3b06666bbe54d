"""Locations of kind `aws` at run time: their hosts, the way to them, and their place in the load balancer.

Imported only where a stack has such a location: boto3 costs a third of a second.
"""
