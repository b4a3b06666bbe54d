"""What the CDN shows when every location is gone: the last published snapshot as pages and files in the bucket."""
