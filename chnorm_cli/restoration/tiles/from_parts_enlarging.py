"""Learning to enlarge a picture that is restored in tiles by others: from windows spread over it."""

from __future__ import annotations

from dataclasses import replace

from chnorm_cli.fitting.recipes import choose
from chnorm_cli.fitting.settings import Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.noise.finding import WINDOW, WINDOWS
from chnorm_cli.noise.law import Law
from chnorm_cli.noise.names import Faults
from chnorm_cli.problems.names import Kernel
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.problems.problem import Problem
from chnorm_cli.restoration.beginning import Said, begin
from chnorm_cli.restoration.common import of_one_colour
from chnorm_cli.restoration.compressed import artefacts_in
from chnorm_cli.restoration.enlarging import FACTORS, MENDED, Enlarging
from chnorm_cli.restoration.restoration import Restoration
from chnorm_cli.restoration.superres import PART, PARTS
from chnorm_cli.restoration.tiles.from_parts import FAULTS, Lesson, Parts, WithoutFit
from chnorm_cli.restoration.tiles.learning import LearningToEnlarge
from chnorm_cli.restoration.tiles.tile_work import Enlarge, FitPrior, TileWork
from chnorm_cli.restoration.tiles.tile_wrappers import WithoutBadPixels
from chnorm_cli.restoration.tiles.tiling import Tiling


def learn_to_enlarge(
    parts: Parts,
    scale: int,
    kernel: str,
    said: Said,
    settings: FitSettings,
    tiling: Tiling,
    told: Law | None = None,
) -> Lesson:
    """Prepare to learn how a picture is enlarged by `scale`; the answer has tiles as `tiling` says.

    Raises `ValueError` as `prepare_superres` does.
    """
    said, blur = replace(said, banding=Faults.OFF), Kernel(kernel)
    choice = choose(settings, default=Fit.RECORRUPT if scale == 2 else Fit.BOTH, staged=True)
    beginning = begin(parts.spread(settings, WINDOW, WINDOWS), said, sure=True, told=told)
    bad, part = beginning.bad is not None, parts.spread(settings, PART, PARTS)
    notes = [FAULTS] if bad else []
    known = WithoutFit(part, settings, choice, tiling, notes)

    def finished(work: TileWork) -> TileWork:
        return WithoutBadPixels(work) if bad else work

    if choice.fit is Fit.PRIOR:
        by_prior = FitPrior(None, choice, settings, scale=scale, kernel=blur)
        return known.lesson(Outcome.STEPS, finished(by_prior))
    if of_one_colour(part) is not None:  # of which there is nothing to learn
        factors = FACTORS[scale]
        smooth = Enlarge(None, tuple(() for _ in factors), factors, blur, ())
        return known.lesson(Outcome.STEPS, finished(smooth))
    wrong = None
    if parts.jpeg is not None:
        whole = replace(beginning, y=parts.whole(settings), told=beginning.law)
        wrong = artefacts_in(parts.jpeg, whole)
    begun = beginning.part(part)
    if wrong is not None:  # its noise goes with the artefacts
        begun = replace(begun, decided=False)
        notes.append(MENDED.format(wrong.jpeg.compression.sentence()))
    operator = Downsample((part.shape[1], part.shape[2]), scale, blur).to(part.device)
    enlarging = Enlarging(
        Problem(part, operator), choice, settings, scale, blur, begun, learn_only=True
    )
    learning = LearningToEnlarge(enlarging)

    def learnt() -> TileWork:
        work = enlarging.learnt()
        if wrong is not None:
            work = replace(work, clean=parts.uncompress(wrong, said.strength))
        return finished(work)

    restoration = Restoration(
        learning.fit,
        settings=settings,
        choice=choice,
        problem=enlarging.problem,
        network=enlarging.unets[0][0],
        recipe=enlarging.recipe,
        tiling=tiling,
        law=enlarging.law,
        law_found=enlarging.law is not None and not said.level_given,
        notes=[*notes, *enlarging.notes],
    )
    return Lesson(restoration, learnt, learning.tile_seconds)
