"""A restoration: the three tasks through both fits on tiny pictures, and everything around a fit."""

import numpy as np
import pytest
import torch

from chnorm_cli.device import DeviceError, choose_device, describe_device
from chnorm_cli.fitting.settings import Effort, FirstGuess, Fit, FitSettings, GeneratorName, Stop
from chnorm_cli.fitting.solution import Outcome
from chnorm_cli.problems.names import Kernel
from chnorm_cli.problems.operators import Downsample
from chnorm_cli.restoration import (
    Restoration,
    prepare_denoise,
    prepare_inpaint,
    prepare_superres,
)

TASKS = ["denoise", "inpaint", "superres"]
FITS = [Fit.PRIOR, Fit.RECORRUPT]
PAIRS = [*((task, fit) for task in TASKS for fit in FITS), ("superres", Fit.BOTH)]


def picture(channels=3, size=(16, 16)):
    """A smooth picture with one edge, (H, W, C)."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    waves = [0.5 + 0.3 * np.sin(rows / (3 + c)) * np.cos(columns / 4) for c in range(channels)]
    x = np.stack(waves, axis=-1)
    x[:, size[1] // 2 :] *= 0.6
    return x.astype(np.float32)


def noisy(x, sigma=25):
    return x + np.float32(sigma / 255) * np.random.default_rng(3).standard_normal(
        x.shape, np.float32
    )


def holes(size=(16, 16), share=0.3):
    missing = np.random.default_rng(4).random(size) < share
    missing[0, 0] = True
    missing[-1, -1] = False
    return missing


def prepared(task, x=None, **options):
    settings = FitSettings(**{"effort": Effort.FAST, "steps": 8, "device": "cpu"} | options)
    x = picture() if x is None else x
    match task:
        case "denoise":
            return prepare_denoise(noisy(x), sigma=25, settings=settings)
        case "inpaint":
            return prepare_inpaint(x, holes(x.shape[:2]), settings=settings)
        case _:
            return prepare_superres(x, 2, settings=settings)


def solved(restoration):
    steps = list(restoration)
    return restoration.solution, steps


@pytest.mark.parametrize(("task", "fit"), PAIRS)
def test_a_picture_comes_out_with_its_story(task, fit):
    restoration = prepared(task, fit=fit, steps=40)
    solution, steps = solved(restoration)
    scale = 2 if task == "superres" else 1
    assert solution.pixels.shape == (16 * scale, 16 * scale, 3)
    assert solution.pixels.dtype == np.float32
    assert np.isfinite(solution.pixels).all()
    assert not solution.outcome.failed
    last = steps[-1]
    assert (solution.steps, solution.loss) == (last.index, last.loss)
    assert solution.grad_norm == last.grad_norm > 0
    assert solution.layer_grad_norms == last.layer_grad_norms
    assert solution.seconds >= last.seconds > 0
    assert solution.parameters > 1000
    assert f"{solution.parameters:,}" in solution.generator
    assert solution.plan["fit"] == fit
    assert solution.device == "cpu"
    assert solution.sigma == (pytest.approx(25) if task == "denoise" else None)
    if fit == "recorrupt" or (task, fit) == (
        "superres",
        "both",
    ):  # similar patches are yet to correct the answer
        assert 0.1 < last.share_done < 1
    else:
        assert last.share_done == 1


@pytest.mark.parametrize(("task", "fit"), PAIRS)
def test_the_same_seed_gives_the_same_bytes_and_leaves_torchs_random_numbers_alone(task, fit):
    def run(seed):
        return solved(prepared(task, fit=fit, seed=seed, threads=1))[0].pixels.tobytes()

    first = run(0)
    torch.manual_seed(123)
    state = torch.get_rng_state()
    assert run(0) == first
    assert torch.equal(torch.get_rng_state(), state)
    assert run(1) != first


@pytest.mark.usefixtures("threads_put_back")
@pytest.mark.parametrize("ending", ["to the end", "closed", "raised"])
@pytest.mark.parametrize("task", TASKS)
def test_the_number_of_threads_is_put_back(task, ending):
    torch.set_num_threads(3)
    restoration = prepared(task, threads=1, steps=2)
    inside = []
    steps = iter(restoration)
    inside.append(next(steps) and torch.get_num_threads())
    if ending == "to the end":
        list(steps)
    elif ending == "closed":
        steps.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            steps.throw(KeyboardInterrupt)
    assert inside == [1]
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize(("task", "fit"), PAIRS)
def test_gray_and_other_numbers_of_channels(task, fit, channels):
    solution, _ = solved(prepared(task, picture(channels), fit=fit, steps=3))
    assert solution.pixels.shape[2] == channels
    assert np.isfinite(solution.pixels).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 9), (7, 5), (31, 17)])
@pytest.mark.parametrize(("task", "fit"), PAIRS)
def test_any_size(task, fit, size):
    if task == "inpaint" and size == (1, 1):
        pytest.skip("one pixel, and it is missing or not")
    solution, _ = solved(prepared(task, picture(size=size), fit=fit, steps=2))
    scale = 2 if task == "superres" else 1
    assert solution.pixels.shape[:2] == (size[0] * scale, size[1] * scale)
    assert np.isfinite(solution.pixels).all()


@pytest.mark.parametrize(
    "name", [GeneratorName.DECODER, GeneratorName.DEEP_DECODER, GeneratorName.HOURGLASS]
)
@pytest.mark.parametrize("task", TASKS)
def test_every_generator(task, name):
    solution, _ = solved(prepared(task, generator=name, steps=2))
    assert solution.generator.startswith(str(name))


@pytest.mark.parametrize("guess", FirstGuess)
@pytest.mark.parametrize("task", ["denoise", "inpaint"])
def test_every_first_guess(task, guess):
    solution, _ = solved(prepared(task, first_guess=guess, steps=3))
    assert np.isfinite(solution.pixels).all()


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("sigma", [None, 0, 10])
def test_observed_pixels_are_kept_bit_for_bit_unless_they_are_noisy(fit, sigma):
    x, missing = picture(), holes()
    settings = FitSettings(fit=fit, effort=Effort.FAST, steps=10, device="cpu")
    solution, _ = solved(prepare_inpaint(x, missing, sigma=sigma, settings=settings))
    same = np.array_equal(solution.pixels[~missing], x[~missing])
    assert same == (not sigma)
    assert not np.allclose(solution.pixels[missing], x[missing])


@pytest.mark.parametrize(("task", "fit"), [("inpaint", f) for f in FITS])
def test_what_lies_under_the_mask_does_not_matter(task, fit):
    x, missing = picture(), holes()
    other = np.where(missing[..., None], np.float32(0.9), x)
    settings = FitSettings(fit=fit, effort=Effort.FAST, steps=4, threads=1, device="cpu")
    one, two = (
        solved(prepare_inpaint(p, missing, settings=settings))[0].pixels for p in (x, other)
    )
    assert np.array_equal(one[missing], two[missing])


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("kernel", Kernel)
def test_an_enlarged_picture_reduces_to_the_observed_one(scale, kernel):
    x = picture(size=(6, 5))
    settings = FitSettings(effort=Effort.FAST, steps=2, device="cpu")
    solution, _ = solved(prepare_superres(x, scale, kernel=kernel, settings=settings))
    large = torch.from_numpy(solution.pixels).movedim(-1, 0)
    again = Downsample((6, 5), scale, kernel).forward(large).movedim(0, -1)
    assert np.allclose(again, x, atol=1e-4)


def test_a_clean_picture_is_left_alone_and_says_so():
    x = picture(size=(64, 64))
    restoration = prepare_denoise(x, settings=FitSettings(device="cpu"))
    solution, steps = solved(restoration)
    assert steps == []
    assert solution.outcome is Outcome.CLEAN
    assert np.array_equal(solution.pixels, x)
    assert solution.sigma_estimated
    assert "left as it is" in solution.notes[0]


def test_a_clean_picture_comes_to_no_harm_when_it_is_denoised_all_the_same():
    x = picture(size=(32, 32))
    solution, _ = solved(
        prepare_denoise(
            x, sigma=0.5, settings=FitSettings(effort=Effort.FAST, steps=20, device="cpu")
        )
    )
    assert -10 * np.log10(np.square(solution.pixels - x).mean()) > 45


def test_a_mask_without_holes_leaves_the_picture_alone():
    x = picture()
    solution, _ = solved(prepare_inpaint(x, np.zeros((16, 16), bool)))
    assert solution.outcome is Outcome.NOTHING_MISSING
    assert np.array_equal(solution.pixels, x)
    assert solution.notes


def test_the_noise_level_is_estimated_and_reported():
    x = picture(size=(64, 64))
    settings = FitSettings(effort=Effort.FAST, steps=2, device="cpu")
    restoration = prepare_denoise(noisy(x, 25), settings=settings)
    assert "estimated" in restoration.header["noise"]
    solution, _ = solved(restoration)
    assert solution.sigma_estimated
    assert solution.sigma == pytest.approx(25, rel=0.15)
    given = prepare_denoise(noisy(x, 25), sigma=30, settings=settings)
    assert given.header["noise"] == "σ 30.0 of 255 (given)"


@pytest.mark.parametrize("task", TASKS)
def test_the_header_is_known_before_the_first_step(task):
    header = prepared(task).header
    assert header["device"] == "cpu"
    assert header["fit"] in set(Fit)
    assert "parameters" in header["generator"]
    assert ("noise" in header) == (task == "denoise")


@pytest.mark.parametrize("task", TASKS)
def test_there_is_no_solution_before_the_end_but_a_best_so_far(task):
    restoration = prepared(task, steps=30)
    with pytest.raises(RuntimeError, match="not over"):
        _ = restoration.solution
    assert restoration.best_so_far() is None
    steps = iter(restoration)
    for _ in range(12):
        next(steps)
    best = restoration.best_so_far()
    steps.close()
    assert best.outcome is Outcome.INTERRUPTED
    assert best.steps == 12
    assert np.isfinite(best.pixels).all()
    with pytest.raises(RuntimeError, match="not over"):
        _ = restoration.solution


@pytest.mark.parametrize("task", ["inpaint", "superres"])
def test_the_best_so_far_explains_the_observation_too(task):
    restoration = prepared(task, steps=30)
    steps = iter(restoration)
    next(steps), next(steps)
    pixels = restoration.best_so_far().pixels
    if task == "inpaint":
        assert np.array_equal(pixels[~holes()], picture()[~holes()])
    else:
        reduced = Downsample((16, 16), 2).forward(torch.from_numpy(pixels).movedim(-1, 0))
        assert np.allclose(reduced.movedim(0, -1), picture(), atol=1e-4)


@pytest.mark.parametrize(("task", "fit"), PAIRS)
def test_a_fit_that_blows_up_is_never_a_success(task, fit):
    restoration = prepared(task, fit=fit, steps=20)
    network = restoration._network
    torch.nn.init.constant_(network.output.weight, float("nan"))
    solution, _ = solved(restoration)
    assert solution.outcome is Outcome.DIVERGED
    assert solution.outcome.failed


@pytest.mark.parametrize(("task", "fit"), PAIRS)
def test_time_is_respected(task, fit):
    restoration = prepared(task, fit=fit, steps=1_000_000, time=0.4, stop=Stop.NONE)
    solution, _ = solved(restoration)
    assert solution.outcome is Outcome.TIME
    assert solution.seconds < 30


def test_the_input_is_not_written_to():
    for task in TASKS:
        x = picture()
        x.flags.writeable = False
        solved(prepared(task, x, steps=2))


@pytest.mark.parametrize(
    ("pixels", "cause"),
    [
        (np.zeros((4, 4), np.float32), "1 to 4 channels"),
        (np.zeros((4, 4, 5), np.float32), "1 to 4 channels"),
        (np.zeros((0, 4, 3), np.float32), "1 to 4 channels"),
        (np.full((4, 4, 3), np.nan, np.float32), "not finite"),
        (np.full((4, 4, 3), np.inf, np.float32), "not finite"),
    ],
)
def test_pixels_that_are_no_picture(pixels, cause):
    missing = np.zeros(pixels.shape[:2], bool)
    for prepare in (
        lambda: prepare_denoise(pixels),
        lambda: prepare_inpaint(pixels, missing),
        lambda: prepare_superres(pixels, 2),
    ):
        with pytest.raises(ValueError, match=cause):
            prepare()


@pytest.mark.parametrize(
    ("prepare", "cause"),
    [
        (lambda x: prepare_denoise(x, sigma=-1), "sigma"),
        (lambda x: prepare_denoise(x, sigma=float("nan")), "sigma"),
        (lambda x: prepare_inpaint(x, np.ones((16, 16), bool)), "every pixel"),
        (
            lambda x: prepare_inpaint(x, np.zeros((16, 15), bool)),
            "15×16 pixels and the picture 16×16",
        ),
        (lambda x: prepare_inpaint(x, holes(), sigma=-3), "sigma"),
        (lambda x: prepare_superres(x, 5), "2, 3, 4, 8"),
        (lambda x: prepare_superres(x, 2, kernel="sinc"), "sinc"),
        (lambda x: prepare_denoise(x, settings=FitSettings(device="tpu")), "tpu"),
        (
            lambda x: prepare_denoise(
                x, settings=FitSettings(generator=GeneratorName.UNET, fit=Fit.PRIOR)
            ),
            "unet",
        ),
    ],
)
def test_questions_that_cannot_be_answered(prepare, cause):
    with pytest.raises(ValueError, match=cause):
        prepare(picture())


def test_a_device_that_is_not_there_is_an_error():
    if torch.cuda.is_available():
        name = f"cuda:{torch.cuda.device_count()}"
    else:
        assert choose_device("auto").type == "cpu"
        name = "cuda"
    with pytest.raises(DeviceError, match="not available"):
        prepare_denoise(picture(), sigma=5, settings=FitSettings(device=name))


def test_restorations_are_made_by_all_three():
    for task in TASKS:
        assert isinstance(prepared(task), Restoration)


@pytest.mark.gpu
@pytest.mark.parametrize(("task", "fit"), PAIRS)
def test_on_the_gpu_the_same_picture_comes_out(task, fit):
    here = solved(prepared(task, picture(size=(32, 32)), fit=fit, steps=60))[0]
    restoration = prepared(task, picture(size=(32, 32)), fit=fit, steps=60, device="cuda")
    there = solved(restoration)[0]
    assert there.device == describe_device(choose_device("cuda"))
    assert restoration.header["device"] == there.device
    assert not there.outcome.failed
    # Rounding differs and grows with the steps, but it is the same fit with the same numbers.
    assert -10 * np.log10(np.square(here.pixels - there.pixels).mean()) > 25


@pytest.mark.gpu
@pytest.mark.parametrize("name", [GeneratorName.DEEP_DECODER, GeneratorName.HOURGLASS])
@pytest.mark.parametrize("task", TASKS)
def test_every_generator_on_the_gpu(task, name):
    solution, steps = solved(prepared(task, generator=name, steps=30, device="cuda"))
    assert solution.device.startswith("cuda")
    assert steps[-1].loss < steps[0].loss


@pytest.mark.gpu
@pytest.mark.parametrize("task", TASKS)
def test_auto_takes_the_gpu(task):
    assert prepared(task, device="auto").header["device"].startswith("cuda")
