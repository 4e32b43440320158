"""The `prior` fit on 16×16: it falls, repeats itself, stops for a reason and never lies about a failure."""

import time

import pytest
import torch
from torch import nn

from chnorm_cli.fitting.budget import Budget
from chnorm_cli.fitting.prior import PriorFit, PriorRecipe
from chnorm_cli.fitting.settings import Stop
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.generators.names import GeneratorName
from chnorm_cli.generators.spec import GeneratorSpec
from chnorm_cli.noise.gaussian import Noise
from chnorm_cli.problems.operators import Downsample, Identity, Mask
from chnorm_cli.problems.problem import Problem

RECIPE = PriorRecipe(steps=40)


def truth(size=16):
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return torch.stack(
        [0.2 + 0.6 * (rows > 6), 0.5 + 0.3 * torch.sin(columns / 3.0), columns / size]
    )


def problem_of(task):
    x = truth()
    match task:
        case "denoise":
            return Problem(
                Noise(0.1).added_to(x, torch.Generator().manual_seed(3)),
                Identity((16, 16)),
                Noise(0.1),
            )
        case "inpaint":
            operator = Mask(
                (torch.rand(16, 16, generator=torch.Generator().manual_seed(3)) > 0.3).float()
            )
            return Problem(operator.forward(x), operator)
        case _:
            operator = Downsample((8, 8), 2)
            return Problem(operator.forward(x), operator)


TASKS = ["denoise", "inpaint", "superres"]
GENERATORS = {
    GeneratorName.DECODER: (16, 16, 8),
    GeneratorName.DEEP_DECODER: (16, 16, 16),
    GeneratorName.HOURGLASS: (8, 8),
}


def fit_of(task, *, name=GeneratorName.DECODER, recipe=RECIPE, stop=Stop.AUTO, seed=0, **budget):
    problem = problem_of(task)
    spec = GeneratorSpec(name, GENERATORS[name])
    network = spec.build(channels=3, size=problem.size, seed=seed)
    return PriorFit(
        problem, network, recipe, stop=stop, budget=Budget(recipe.steps, **budget), seed=seed
    )


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", GENERATORS)
def test_the_loss_falls_and_the_answer_is_a_picture(task, name):
    fit = fit_of(task, name=name)
    steps = list(fit)
    assert steps[-1].loss < 0.7 * steps[0].loss
    assert fit.estimate().shape == (3, 16, 16)
    assert (fit.estimate() - truth()).square().mean() < 0.06
    for step in steps:
        assert step.grad_norm == pytest.approx(
            sum(n * n for n in step.layer_grad_norms.values()) ** 0.5
        )
    assert [s.index for s in steps] == list(range(1, len(steps) + 1))
    assert [s.seconds for s in steps] == sorted(s.seconds for s in steps)
    assert 0 < steps[0].share_done < steps[-1].share_done <= 1


@pytest.mark.parametrize("task", TASKS)
def test_the_seed_decides_every_bit(task):
    def run(seed):
        fit = fit_of(task, seed=seed, recipe=PriorRecipe(steps=12, jitter=0.03))
        losses = [step.loss for step in fit]
        return losses, fit.estimate()

    losses, x = run(0)
    torch.rand(100)  # somebody else draws from torch's own generator
    again, same = run(0)
    assert losses == again
    assert torch.equal(x, same)
    assert not torch.equal(x, run(1)[1])


@pytest.mark.parametrize("task", ["inpaint", "superres"])
def test_an_exact_observation_is_explained_exactly(task):
    fit = fit_of(task)
    list(fit)
    problem = fit.problem
    assert torch.allclose(problem.operator.forward(fit.estimate()), problem.observation, atol=1e-5)


def test_a_noisy_observation_is_not_pasted_in():
    problem = problem_of("inpaint")
    noisy = Problem(problem.observation, problem.operator, Noise(0.05))
    fit = fit_of("inpaint")
    fit.problem = noisy
    list(fit)
    known = problem.operator.known > 0
    assert not torch.allclose(fit.estimate()[:, known], noisy.observation[:, known])


@pytest.mark.parametrize(
    ("task", "stop", "outcome", "stage"),
    [
        ("denoise", Stop.AUTO, Outcome.SPLIT_CHECK, "split check"),
        ("inpaint", Stop.AUTO, Outcome.HELD_OUT, "held-out pixels"),
        ("denoise", Stop.VARIANCE, Outcome.VARIANCE, "variance"),
    ],
)
def test_each_rule_stops_the_fit_by_itself(task, stop, outcome, stage):
    fit = fit_of(task, recipe=PriorRecipe(steps=3000, patience=0.2), stop=stop)
    steps = list(fit)
    assert fit.outcome is outcome
    assert len(steps) < 3000
    assert any(step.near.startswith(stage) for step in steps)
    assert any(step.monitor is not None for step in steps)


def test_stopping_against_noise_gives_a_better_picture_than_going_on():
    early = fit_of("denoise", recipe=PriorRecipe(steps=600))
    late = fit_of("denoise", recipe=PriorRecipe(steps=600), stop=Stop.NONE)
    list(early), list(late)
    error = [(fit.estimate() - truth()).square().mean() for fit in (early, late)]
    assert error[0] < error[1]


def test_with_stop_none_only_the_budget_ends_it():
    fit = fit_of("denoise", stop=Stop.NONE)
    assert len(list(fit)) == RECIPE.steps
    assert fit.outcome is Outcome.STEPS


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("stop", Stop)
def test_the_steps_asked_for_are_done_and_give_a_picture(steps, stop):
    fit = fit_of("denoise", stop=stop, steps=steps)
    done = list(fit)
    assert fit.outcome is Outcome.STEPS_ASKED
    assert done[-1].index >= steps
    assert torch.isfinite(fit.estimate()).all()


def test_no_more_steps_than_asked_for():
    assert len(list(fit_of("denoise", steps=50))) <= 50


def test_the_last_step_is_checked():
    fit = fit_of("denoise", steps=4)
    list(fit)
    alone = fit_of("denoise", steps=1)
    list(alone)
    assert not torch.equal(fit.estimate(), alone.estimate())


def test_the_time_allowed_ends_it():
    fit = fit_of("denoise", recipe=PriorRecipe(steps=10**6), stop=Stop.NONE, seconds=0.5)
    began = time.perf_counter()
    list(fit)
    assert fit.outcome is Outcome.TIME
    assert time.perf_counter() - began < 30


class Broken(nn.Module):
    """Gives something that is not a number from some step on."""

    def __init__(self, network, after):
        super().__init__()
        self.network, self.after = network, after
        self.input_shape = network.input_shape
        self.count = 0

    def forward(self, z):
        self.count += 1
        return self.network(z) * (float("nan") if self.count > self.after else 1.0)


def test_a_refit_that_stops_being_finite_leaves_the_best_from_before():
    whole, broken = fit_of("inpaint"), fit_of("inpaint")
    fitted = [step for step in whole if step.stage == "fit"]
    broken.network = Broken(broken.network, len(fitted))
    assert [step.index for step in broken if step.stage == "fit"] == [s.index for s in fitted]
    assert broken.outcome is whole.outcome
    assert torch.isfinite(broken.estimate()).all()


def test_a_refit_of_adam_in_wide_holes_goes_through():
    recipe = PriorRecipe(steps=60, muon_lr=None, refit=0.5)
    fit = fit_of("inpaint", name=GeneratorName.HOURGLASS, recipe=recipe)
    refits = [step for step in fit if step.stage == "refit on all"]
    assert not fit.outcome.failed
    assert len(refits) >= 10
    assert refits[-1].loss < 2.0 * refits[0].loss


@pytest.mark.parametrize("after", [0, 10])
def test_a_fit_that_stops_being_finite_says_diverged(after):
    fit = fit_of("denoise")
    fit.network = Broken(fit.network, after)
    steps = list(fit)
    assert fit.outcome is Outcome.DIVERGED
    assert fit.outcome.failed
    assert len(steps) < RECIPE.steps
    x = fit.estimate()
    assert x is None or torch.isfinite(x).all()


@pytest.mark.parametrize("stop", [Stop.NONE, Stop.AUTO])
def test_an_interrupted_fit_has_an_estimate(stop):
    fit = fit_of("superres", stop=stop)
    assert fit.estimate() is None
    steps = iter(fit)
    for _ in range(5):
        next(steps)
    steps.close()
    assert fit.outcome is None
    assert torch.isfinite(fit.estimate()).all()
