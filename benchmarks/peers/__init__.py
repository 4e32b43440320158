"""The peers, one file each: any module in here with a `PEER` takes part.

CONTRIBUTING.md shows how one is added.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules

from torch import Tensor

from benchmarks.measuring.contest import Contender, Result, timed
from benchmarks.measuring.options import Options
from benchmarks.measuring.pictures import Pixels
from benchmarks.measuring.scores import Scorer
from benchmarks.peers.peer import Peer, Seen, Watch

Run = Callable[[Peer, Seen], Callable[[], Result]]


def all_peers() -> dict[str, Peer]:
    """Give every peer by its name."""
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    peers = [module.PEER for module in modules if hasattr(module, "PEER")]
    return {peer.name: peer for peer in sorted(peers, key=lambda peer: peer.name)}


def watch(
    options: Options,
    score: Scorer,
    shape: tuple[int, ...],
    forward: Callable[[Tensor], Tensor] = lambda x: x,
) -> Watch:
    """Say how a peer that works for hours is watched, and that it stops where the options say so."""
    return Watch(score, shape, forward, options.device, options.steps, options.peer_time)


def plainly(peer: Peer, seen: Seen) -> Callable[[], Result]:
    """Let a peer restore once, with the clock running."""
    return timed(lambda: shaped(peer.restore(seen), seen))


def contenders(options: Options, task: str, seen: Seen, run: Run = plainly) -> list[Contender]:
    """Give the peers of a task that are there, can use what is seen, and were asked for."""
    found = []
    for peer in all_peers().values():
        folder = options.peer_paths.get(peer.name)
        if task not in peer.tasks or not options.wants_peer(peer.name, unasked=peer.unasked):
            continue
        if peer.why_not(folder) or not peer.can_use(seen):
            continue
        seen_here = replace(seen, folder=folder, threads=options.threads)
        found.append(
            Contender(
                peer.name,
                run(peer, seen_here),
                version=peer.version(folder),
                told=peer.told,
            )
        )
    return found


def absent(options: Options, tasks: Collection[str]) -> str:
    """Name in one line the peers of some tasks that would take part if they were there."""
    lacking, checkouts = [], []
    for peer in all_peers().values():
        asked = options.wants_peer(peer.name, unasked=peer.unasked)
        folder = options.peer_paths.get(peer.name)
        why = peer.why_not(folder)
        if not why or not asked or not peer.tasks & set(tasks):
            continue
        if peer.checkout and folder is None and options.peers is None:  # nobody named it
            checkouts.append(peer.name)
        else:
            lacking.append(f"{peer.name} ({why})")
    if checkouts:
        lacking.append(f"{', '.join(checkouts)} (checkouts: --peer-path NAME=DIR)")
    return f"peers that are not here: {'; '.join(lacking)}" if lacking else ""


def shaped(answer: Pixels | Result, seen: Seen) -> Pixels | Result:
    """Give gray answers of (H, W) their channel."""
    if isinstance(answer, Result):
        return answer
    height, width, channels = seen.y.shape
    return answer.reshape(height * seen.scale, width * seen.scale, channels)
