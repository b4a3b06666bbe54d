"""The results service: what is released to the app hosts, and the loader that makes its data."""

__version__ = "1.0.0"
