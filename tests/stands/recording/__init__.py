"""A provider that stands in for AWS: it checks, remembers and answers, and touches no network.

The engine finds it on PATH as `pulumi-resource-aws` and takes it in place of the real plugin. What it knows of
resource types it reads from pulumi_aws's own annotations; what those don't say is in small tables that name their
source. What neither says it can't know: which properties exclude each other, and which texts AWS takes.
"""
