"""Publication to S3: what a new host of a group starts with, and the site for when every location is gone."""
