"""What a host becomes, and how releases reach it."""
