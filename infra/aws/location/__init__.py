"""A location in a region: network, load balancer, hosts of a group, their roles and alarms."""
