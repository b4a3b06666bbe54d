"""Benchmarks: figures as ratios of something known, measured in the same run. Recorded in docs/benchmarks.md."""
