"""The Pulumi program: provisions what a stack's settings describe."""
