"""The Pulumi engine, where the official one can't be downloaded."""
