"""Whether a stack is ready for its night: the calendar backwards from the day, each line looked at where it can be."""
