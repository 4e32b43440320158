"""The experiments of Dai & Heckel (arXiv 1907.09539) as commands: `chnorm lab -h`.

Every experiment is a generator: it yields a sentence about what it is doing, and returns a result
that knows its `report()` (tables) and how to `draw(figure)` itself.
"""
