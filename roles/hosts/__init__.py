"""Reaching hosts and asking them: connections, what they have, who gets requests, their log and their lock."""
