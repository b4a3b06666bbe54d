"""CloudFront in front of every location, with what it answers when none is left."""
