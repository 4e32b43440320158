"""Ours against peers, in the same run on the same pictures: `python -m benchmarks.run --help`."""
