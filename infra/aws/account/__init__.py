"""What a stack has in the AWS account once, whatever its locations: keys, buckets, the trail, the zone, the budget."""
