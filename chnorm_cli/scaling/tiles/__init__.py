"""Tiles that are files: made by whoever works, taken up after a stop, joined into the result."""
