"""What `auto` becomes, and which pairs are refused."""

import json
from dataclasses import asdict
from itertools import pairwise

import pytest

from chnorm_cli.fitting.recipes import PRIOR_STEPS, RECORRUPT, choose
from chnorm_cli.fitting.settings import Effort, Fit, FitSettings, GeneratorName, Normalization, Stop
from chnorm_cli.fitting.solution import Outcome

PAIRS = {
    GeneratorName.UNET: Fit.RECORRUPT,
    GeneratorName.DECODER: Fit.PRIOR,
    GeneratorName.DEEP_DECODER: Fit.PRIOR,
    GeneratorName.HOURGLASS: Fit.PRIOR,
}


@pytest.mark.parametrize("default", [Fit.PRIOR, Fit.RECORRUPT])
@pytest.mark.parametrize("effort", Effort)
def test_auto_is_the_tasks_default(default, effort):
    choice = choose(FitSettings(effort=effort), default=default)
    assert choice.fit is default
    assert PAIRS[choice.generator.name] is default


@pytest.mark.parametrize(("name", "fit"), PAIRS.items())
@pytest.mark.parametrize("default", [Fit.PRIOR, Fit.RECORRUPT])
def test_a_generator_asked_for_decides_the_fit(name, fit, default):
    choice = choose(FitSettings(generator=name), default=default)
    assert choice.generator.name is name
    assert choice.fit is fit


@pytest.mark.parametrize(("name", "fit"), PAIRS.items())
def test_pairs_that_cannot_work_are_refused(name, fit):
    assert choose(FitSettings(generator=name, fit=fit), default=fit).fit is fit
    other = Fit.PRIOR if fit is Fit.RECORRUPT else Fit.RECORRUPT
    with pytest.raises(ValueError, match=str(name)):
        choose(FitSettings(generator=name, fit=other), default=fit)


@pytest.mark.parametrize("kind", Normalization)
def test_the_normalization_reaches_the_generator(kind):
    assert (
        choose(FitSettings(normalization=kind), default=Fit.PRIOR).generator.normalization is kind
    )


def test_more_effort_is_more_work():
    for less, more in pairwise(Effort):
        assert RECORRUPT[less].steps < RECORRUPT[more].steps
        assert PRIOR_STEPS[less] < PRIOR_STEPS[more]


@pytest.mark.parametrize("effort", Effort)
def test_first_guesses_against_holes_get_weaker(effort):
    strengths = RECORRUPT[effort].strengths
    assert list(strengths) == sorted(strengths, reverse=True)


def test_settings_become_plain_values():
    settings = FitSettings(stop=Stop.VARIANCE, steps=3)
    assert json.loads(json.dumps(settings.as_dict())) == asdict(settings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"steps": -1},
        {"time": 0},
        {"time": float("nan")},
        {"threads": 0},
        {"seed": 2**64},
    ],
)
def test_settings_that_no_fit_can_use(wrong):
    (word,) = wrong
    with pytest.raises(ValueError, match=word):
        FitSettings(**wrong)


def test_outcomes_are_sentences_and_one_is_a_failure():
    assert all(outcome.value.endswith(".") and outcome.value[0].isupper() for outcome in Outcome)
    assert [outcome for outcome in Outcome if outcome.failed] == [Outcome.DIVERGED]
