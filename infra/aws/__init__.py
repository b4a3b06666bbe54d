"""Locations of kind `aws` and the CDN: what the program makes in an AWS account."""
