"""A stack's settings, typed: every key, what is allowed, and errors that name key, value and what may be."""
