"""A stack as the engine and its settings describe it."""
