"""Makes a snapshot, the tree of files that the service serves, from the tables of a count."""
