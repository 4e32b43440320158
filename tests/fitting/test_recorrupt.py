"""The `recorrupt` fit: examples, symmetries, weights, and what it does with a first guess."""

import time

import pytest
import torch

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.learnt import SYMMETRIES, restored_orientation, transformed
from chnorm_cli.fitting.recorrupt import RecorruptFit, RecorruptRecipe
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.generators.unet import UNet
from chnorm_cli.recorruption.examples import Example, Query

RECIPE = RecorruptRecipe(steps=30, crop=12, batch=4)


def values(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def example(weight=None, size=(16, 20)):
    """A guess that is too dark by 0.1; the features show the guess."""
    target = values(3, *size)
    return Example(target - 0.1, target - 0.1, target, weight)


def mean(answers):
    return torch.stack(answers).mean(0)


def fit_of(examples=None, queries=None, *, recipe=RECIPE, seed=0, finish=mean, scale=0.2, **budget):
    made = examples or [example()]
    asked = queries or [Query(e.features, e.guess) for e in made]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = UNet(made[0].features.shape[0], 3, widths=(6, 8))
    return RecorruptFit(
        lambda say: made,
        lambda: asked,
        network,
        recipe,
        scale=scale,
        finish=finish,
        budget=Budget(recipe.steps, **budget),
        seed=seed,
    )


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_symmetries_are_undone(symmetry):
    x = values(2, 3, 5, 7)
    assert torch.equal(restored_orientation(transformed(x, symmetry), symmetry), x)


def test_there_are_eight_different_symmetries():
    x = values(1, 6, 6)
    assert len({transformed(x, s).numpy().tobytes() for s in range(SYMMETRIES)}) == 8


def test_what_the_guess_lacks_is_learned():
    fit = fit_of(recipe=RecorruptRecipe(steps=150, crop=12, batch=4))
    steps = list(fit)
    truth = example().target
    assert steps[-1].loss < 0.1 * steps[0].loss
    assert (fit.estimate() - truth).abs().mean() < 0.03
    assert fit.outcome is Outcome.STEPS
    assert len(steps) == 150


def test_an_untrained_network_leaves_the_guess():
    fit = fit_of()
    assert torch.allclose(fit.estimate(), example().guess, atol=1e-6)


def test_several_queries_are_averaged():
    queries = [Query(values(3, 16, 20, seed=s), values(3, 16, 20, seed=s)) for s in range(3)]
    mean = torch.stack([q.guess for q in queries]).mean(0)
    assert torch.allclose(fit_of(queries=queries).estimate(), mean, atol=1e-6)


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_the_answer_turns_with_the_question(symmetry):
    def answer(turn):
        query = Query(turn(values(3, 16, 20)), turn(values(3, 16, 20, seed=1)))
        fit = fit_of(queries=[query])
        with torch.no_grad():  # weights that are neither zero nor symmetric
            for index, value in enumerate(fit.average.values):
                value.copy_(0.5 * values(*value.shape, seed=index) - 0.2)
        return fit.estimate()

    turned = answer(lambda x: transformed(x, symmetry))
    plain = answer(lambda x: x)
    assert torch.allclose(turned, transformed(plain, symmetry), atol=1e-4)
    assert (plain - values(3, 16, 20, seed=1)).abs().mean() > 1e-3


def test_only_weighted_pixels_are_learned_from():
    clean = example()
    weight = torch.zeros(1, 16, 20)
    weight[:, :, ::2] = 1
    lie = clean.target.clone()
    lie[:, :, 1::2] = 77.0  # where nothing counts, the target may say anything
    told = [Example(clean.features, clean.guess, t, weight) for t in (clean.target, lie)]
    one, other = ([s.loss for s in fit_of([e])] for e in told)
    assert one == other
    assert one[0] == pytest.approx((0.1 / 0.2) ** 2, rel=1e-3)


def test_a_crop_without_any_weight_is_no_accident():
    fit = fit_of([example(weight=torch.zeros(1, 16, 20))])
    assert [s.loss for s in fit] == [0.0] * RECIPE.steps
    assert torch.isfinite(fit.estimate()).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (5, 40), (13, 11)])
def test_pictures_smaller_than_a_crop(size):
    fit = fit_of([example(size=size)], recipe=RecorruptRecipe(steps=5))
    assert len(list(fit)) == 5
    assert fit.estimate().shape == (3, *size)
    assert torch.isfinite(fit.estimate()).all()


def test_the_seed_decides_every_bit():
    def run(seed):
        fit = fit_of(seed=seed)
        return [s.loss for s in fit], fit.estimate()

    losses, x = run(0)
    torch.rand(100)
    again, same = run(0)
    assert losses == again
    assert torch.equal(x, same)
    assert not torch.equal(x, run(1)[1])


def test_the_answer_is_finished():
    assert torch.equal(
        fit_of(finish=lambda answers: 0 * answers[0] + 2).estimate(), torch.full((3, 16, 20), 2.0)
    )


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_the_steps_asked_for_are_done(steps):
    fit = fit_of(steps=steps)
    done = list(fit)
    assert len(done) == steps
    assert done[-1].share_done == 1
    assert fit.outcome is Outcome.STEPS_ASKED


def test_the_time_allowed_ends_it():
    fit = fit_of(recipe=RecorruptRecipe(steps=10**6, crop=12, batch=4), seconds=0.5)
    began = time.perf_counter()
    list(fit)
    assert fit.outcome is Outcome.TIME
    assert time.perf_counter() - began < 30


def test_a_fit_that_stops_being_finite_says_diverged():
    bad = example()
    fit = fit_of([Example(bad.features, bad.guess, bad.target * float("nan"))])
    assert list(fit) is not None
    assert fit.outcome is Outcome.DIVERGED


def test_an_interrupted_fit_has_an_estimate():
    fit = fit_of()
    steps = iter(fit)
    for _ in range(20):
        next(steps)
    steps.close()
    assert fit.outcome is None
    assert torch.isfinite(fit.estimate()).all()
    assert not torch.allclose(fit.estimate(), example().guess, atol=1e-4)


def test_an_estimate_during_the_fit_does_not_stand_still():
    fit = fit_of()
    steps = iter(fit)
    next(steps)
    first = fit.estimate()
    for _ in range(20):
        next(steps)
    assert not torch.equal(fit.estimate(), first)


def test_an_estimate_during_the_fit_leaves_the_fit_as_it_was():
    watched, alone = fit_of(), fit_of()
    losses = []
    for step in watched:
        losses.append(step.loss)
        watched.estimate()
    assert losses == [s.loss for s in alone]
    assert torch.equal(watched.estimate(), alone.estimate())


def test_a_large_picture_is_asked_about_in_tiles():
    """What the network sees at once, its normalization takes its statistics from."""
    recipe = RecorruptRecipe(steps=3, crop=12, batch=4, symmetries=1, tile=24)
    large = Query(values(3, 30, 70), values(3, 30, 70))
    fit = fit_of(queries=[large], recipe=recipe)
    sizes = []
    for _ in fit:
        pass
    fit.network.register_forward_pre_hook(lambda _, given: sizes.append(given[0].shape[-2:]))
    with torch.no_grad():
        fit._answer()
    assert {tuple(size) for size in sizes} == {(24, 24)}
