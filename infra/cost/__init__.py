"""What a stack costs and which quotas it needs, told from its settings alone: no account, no network."""
