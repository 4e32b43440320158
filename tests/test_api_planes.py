"""Leading axes are planes, the channels are where one says, and the keywords are those of the help."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

from chnorm_cli import api, denoise, inpaint, superres
from chnorm_cli.api import enlarging, stacks, tasks
from chnorm_cli.fitting.settings import Effort, Fit, FitSettings
from chnorm_cli.fitting.solution import Outcome, Solution
from chnorm_cli.restoration import laws_of_planes

QUICK = {"effort": "fast", "steps": 3, "device": "cpu"}
PAGE = Path(__file__).parents[1] / "docs" / "python.md"


def stack(*shape, dtype="uint8"):
    values = np.random.default_rng(0).normal(120, 15, shape)
    values += 60 * np.sin(np.arange(shape[-2]) / 5)[:, None]
    return values.clip(0, 255).astype(dtype)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_channels_are_where_one_says(axis):
    x = np.stack([stack(16, 18), stack(16, 18) // 2, 255 - stack(16, 18)], axis=-1)
    expected = denoise(x, sigma=15, **QUICK)
    moved = denoise(np.moveaxis(x, -1, axis), sigma=15, channel_axis=axis, **QUICK)
    assert np.array_equal(np.moveaxis(moved, axis, -1), expected)


@pytest.mark.parametrize("shape", [(2, 16, 18), (2, 3, 12, 10), (1, 12, 10)])
def test_leading_axes_are_planes(shape):
    x = stack(*shape)
    restored = denoise(x, sigma=15, channel_axis=None, **QUICK)
    assert (restored.shape, restored.dtype) == (x.shape, x.dtype)
    for index in np.ndindex(shape[:-2]):
        assert np.array_equal(restored[index], denoise(x[index], sigma=15, **QUICK))
    large, solutions = superres(x, 2, channel_axis=None, report=True, **QUICK)
    assert large.shape == (*shape[:-2], 2 * shape[-2], 2 * shape[-1])
    assert len(solutions) == np.prod(shape[:-2])


def test_planes_of_colours_have_them_last_or_where_one_says():
    x = np.moveaxis(stack(2, 3, 14, 16), 1, -1)
    expected = denoise(x, sigma=15, **QUICK)
    assert np.array_equal(expected[1], denoise(x[1], sigma=15, **QUICK))
    first = denoise(np.moveaxis(x, -1, 1), sigma=15, channel_axis=1, **QUICK)
    assert np.array_equal(np.moveaxis(first, 1, -1), expected)


def test_all_planes_have_one_law_of_the_noise(monkeypatch):
    x = stack(2, 48, 48, dtype="float32") / 255
    laws = laws_of_planes(list(x[..., None]))
    assert len({law.sigma for law in laws}) == 1
    assert 12 < 255 * laws[0].sigma < 18
    given = []
    prepare = stacks.prepare_denoise

    def watched(plane, *, law, **options):
        given.append(law)
        return prepare(plane, law=law, **options)

    monkeypatch.setattr(stacks, "prepare_denoise", watched)
    restored, error, solutions = denoise(
        x, channel_axis=None, uncertainty=True, report=True, **QUICK
    )
    assert len({law.sigma for law in given}) == 1
    assert {s.sigma for s in solutions} == {255 * given[0].sigma}
    assert error.shape == x.shape
    assert restored.std() < x.std()


@pytest.mark.parametrize("task", ["inpaint", "superres"])
def test_other_tasks_share_a_law_as_well(monkeypatch, task):
    x = stack(2, 96, 96)
    missing = np.zeros((96, 96), bool)
    missing[20:30, 10:30] = True
    holed = np.where(missing, 0, x)
    given = []

    def watched(*_, law, **__):
        given.append(law)
        raise ValueError("enough")

    monkeypatch.setattr(tasks, "prepare_inpaint", watched)
    monkeypatch.setattr(enlarging, "prepare_superres", watched)
    run = {"inpaint": (inpaint, holed, missing), "superres": (superres, x, 2)}
    call, *arguments = run[task]
    with pytest.raises(ValueError, match="enough"):
        call(*arguments, channel_axis=None, **QUICK)
    assert 12 < 255 * given[0].sigma < 18


def test_only_what_is_flat_is_a_planes_own():
    x = stack(2, 64, 64, dtype="float32")[..., None] / 255
    x[1, :20] = 0
    whole, barred = laws_of_planes(list(x))
    assert whole.flat is None
    assert bool(barred.flat[:19].all())
    assert not bool(barred.flat[24:].any())


@pytest.mark.parametrize("form", ["(H, W)", "(Z, H, W)", "(Z, H, W, 1)", "image", "masked"])
def test_holes_of_planes_may_be_said_in_many_ways(form):
    x = stack(2, 12, 14, 3)
    missing = np.zeros((2, 12, 14), bool)
    missing[:, 4:6, 3:9] = True
    image, said = x, missing
    if form == "(H, W)":
        said = missing[0]
    elif form == "(Z, H, W, 1)":
        said = missing[..., None]
    elif form == "image":
        said = np.zeros(x.shape, bool)
        said[..., 1] = missing
    elif form == "masked":
        image, said = np.ma.masked_array(x, np.repeat(missing[..., None], 3, -1)), None
    restored = inpaint(image, said, **QUICK)
    assert np.array_equal(restored[~missing], x[~missing])
    for plane in range(2):
        assert np.array_equal(restored[plane], inpaint(x[plane], missing[plane], **QUICK))


def test_a_plane_without_holes_is_left_alone_and_wrong_shapes_are_refused():
    x, missing = stack(2, 12, 14), np.zeros((2, 12, 14), bool)
    missing[1, 3, 4] = True
    restored, solutions = inpaint(x, missing, channel_axis=None, report=True, **QUICK)
    assert np.array_equal(restored[0], x[0])
    assert solutions[0].outcome is Outcome.NOTHING_MISSING
    with pytest.raises(ValueError, match=r"missing is of shape \(3, 12, 14\)"):
        inpaint(x, np.zeros((3, 12, 14)), channel_axis=None)


def test_a_plane_may_hold_what_is_not_finite():
    x = stack(2, 12, 14, dtype="float64")
    x[1, 2, 3] = np.nan
    restored, error = denoise(x, sigma=15, channel_axis=None, uncertainty=True, **QUICK)
    assert np.isfinite(restored).all()
    assert np.isnan(error[1, 2, 3])
    assert np.isfinite(error[0]).all()


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_many_channels_are_restored_one_by_one(axis):
    x = stack(6, 12, 14)
    x[2, 3, 4] = 255
    many = np.moveaxis(x, 0, axis)
    restored, error, solutions = denoise(
        many, sigma=15, channel_axis=axis, uncertainty=True, report=True, **QUICK
    )
    assert (restored.shape, len(solutions)) == (many.shape, 6)
    alone, its_error = denoise(x[2], sigma=15, uncertainty=True, **QUICK)
    assert np.array_equal(np.moveaxis(restored, axis, 0)[2], alone)
    assert error.shape == its_error.shape
    large = superres(many, 2, channel_axis=axis, **QUICK)
    assert np.array_equal(np.moveaxis(large, axis, 0)[5], superres(x[5], 2, **QUICK))
    missing = np.zeros(many.shape, bool)
    np.moveaxis(missing, axis, 0)[1, 4:7, 5:8] = True
    whole = inpaint(many, missing, channel_axis=axis, **QUICK)
    holes = missing.any(axis=axis)
    moved = np.moveaxis(whole, axis, 0)
    assert np.array_equal(moved[:, ~holes], x[:, ~holes])
    assert not np.array_equal(moved[3][holes], x[3][holes])  # missing in one is missing in all


def test_a_report_is_one_solution_for_one_picture():
    restored, solution = denoise(stack(16, 16), sigma=15, report=True, **QUICK)
    assert isinstance(solution, Solution)
    assert (round(solution.sigma, 3), solution.steps) == (15, 3)
    again, error, _ = denoise(stack(16, 16), sigma=15, report=True, uncertainty=True, **QUICK)
    assert np.array_equal(again, restored)
    assert error.shape == (16, 16)


def test_keywords_are_the_settings(monkeypatch):
    asked = []

    def prepare(*_, settings, **__):
        asked.append(settings)
        raise ValueError("enough")

    monkeypatch.setattr(enlarging, "prepare_superres", prepare)
    with pytest.raises(ValueError, match="enough"):
        superres(
            np.eye(8), 2, effort="best", fit="prior", steps=7, time=3.0, device="cpu", seed=5, threads=1
        )  # fmt: skip
    assert asked == [FitSettings(Fit.PRIOR, Effort.BEST, steps=7, time=3.0, device="cpu", seed=5, threads=1)]  # fmt: skip


@pytest.mark.parametrize("task", [api.denoise, api.inpaint, api.superres], ids=lambda t: t.__name__)
def test_docstrings_name_every_keyword_and_their_examples_run(task):
    import inspect

    text = inspect.getdoc(task)
    named = {
        name for line in re.findall(r"^([\w, ]+) :|^([\w, ]+)$", text, re.MULTILINE)
        for part in line for name in part.split(", ")
    }  # fmt: skip
    assert inspect.signature(task).parameters.keys() <= named
    found = doctest.DocTestFinder(recurse=False).find(task, task.__name__, globs={})
    results = [doctest.DocTestRunner().run(test) for test in found]
    assert sum(result.attempted for result in results) > 3
    assert sum(result.failed for result in results) == 0


def test_the_page_about_python_runs():
    result = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert result.attempted > 10
    assert result.failed == 0
