"""What is kept."""

from collections.abc import Iterator

from tests.stands.graph import Graph, Resource, part, parts

BUCKET = "aws:s3/bucket:Bucket"
SHUT = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
LASTING = (
    BUCKET,
    "aws:cloudfront/distribution:Distribution",
    "aws:kms/key:Key",
    "aws:route53/zone:Zone",
)
"""What a stack can't get back: data, keys to it, and names that others point at."""


def every_bucket_is_private(graph: Graph) -> Iterator[str]:
    """Public access is blocked in all four ways, and no list or web site opens it."""
    for bucket in graph.of_type(BUCKET):
        blocks = _of(graph, bucket, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
        if not blocks:
            yield f"the bucket {bucket.name} does not block public access"
        for block in blocks:
            for way in SHUT:
                if block.inputs.get(way) is not True:
                    yield f"the bucket {bucket.name} leaves {way} open"
        for acl in _of(graph, bucket, "aws:s3/bucketAcl:BucketAcl"):
            if acl.inputs.get("acl") != "private":
                yield f"the access list {acl.name} opens the bucket {bucket.name}"
        for site in _of(graph, bucket, "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration"):
            yield f"{site.name} makes the bucket {bucket.name} a public site"


def every_bucket_is_encrypted(graph: Graph) -> Iterator[str]:
    """Each has a rule that names the way it is encrypted."""
    kind = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    for bucket in graph.of_type(BUCKET):
        defaults = [
            part(rule, "applyServerSideEncryptionByDefault")
            for each in _of(graph, bucket, kind)
            for rule in parts(each.inputs, "rules")
        ]
        if not any(default.get("sseAlgorithm") in ("AES256", "aws:kms", "aws:kms:dsse") for default in defaults):
            yield f"the bucket {bucket.name} is not encrypted"


def what_must_not_vanish_is_protected(graph: Graph) -> Iterator[str]:
    """Neither `destroy` nor a change of the program removes it."""
    for resource in graph.of_type(*LASTING):
        if not resource.protect:
            yield f"the {resource.kind} {resource.name} is not protected"


def _of(graph: Graph, bucket: Resource, kind: str) -> list[Resource]:
    return [each for each in graph.of_type(kind) if each.inputs["bucket"] in (bucket.id, bucket.arn)]
