"""The JSON report of one restored picture; README documents the keys."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from chnorm_cli.fitting.solution import Solution
from chnorm_cli.scaling.error_maps import psnr_of
from chnorm_cli.scaling.kinds import describe_unread
from chnorm_cli.scaling.requests import Inpaint, Request, Superres

SCHEMA = "chnorm.report/1"
BATCH_SCHEMA = "chnorm.batch/1"


def finite(value: Any) -> Any:
    """The value with NaN and infinities as None, because JSON has neither."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def describe_fit(solution: Solution) -> dict[str, Any]:
    """What became of one page."""
    return {
        "outcome": solution.outcome.name.lower(),
        "outcome_sentence": solution.outcome.value,
        "steps": solution.steps,
        "seconds": round(solution.seconds, 3),
        "loss": solution.loss,
        "gradient_norm": solution.grad_norm,
        "layer_gradient_norms": dict(solution.layer_grad_norms),
        "sigma": solution.sigma,
        "sigma_estimated": solution.sigma_estimated,
        "noise": None if solution.noise is None else dict(solution.noise),
        "bad_pixels": None if solution.bad_pixels is None else dict(solution.bad_pixels),
        "banding": None if solution.banding is None else dict(solution.banding),
        "jpeg": None if solution.jpeg is None else dict(solution.jpeg),
        **describe_errors(solution),
        "device": solution.device,
        "generator": solution.generator,
        "parameters": solution.parameters,
        "plan": dict(solution.plan),
        "notes": list(solution.notes),
        **(
            {"channels": [describe_fit(one) for one in solution.channels]}
            if solution.channels
            else {}
        ),
    }


def describe_errors(solution: Solution) -> dict[str, Any]:
    """How wrong the answer is expected to be."""
    rms, made = solution.expected_rms, solution.error_map
    return {
        "expected_rms": None if rms is None else 255.0 * rms,
        "expected_psnr": psnr_of(rms),
        "unknown_share": None if made is None else made.unknown,
        "map_seconds": None if made is None else round(made.seconds, 3),
    }


def describe_result(
    request: Request,
    *,
    input_size: tuple[int, int],
    output_size: tuple[int, int],
    layout: str,
    axes: tuple[str, list[int]] | None,
    fits: Sequence[Mapping[str, Any]],
    clipped: int,
    mapped: bool,
    notes: Sequence[str],
) -> dict[str, Any]:
    """The report: the file, the settings, and the fit (under `pages` when there are several)."""
    fit: dict[str, Any] = {"pages": list(fits), "notes": []}
    if len(fits) == 1:
        fit = dict(fits[0])
    fit["notes"] = [*fit["notes"], *notes]
    report = {
        "schema": SCHEMA,
        "status": "ok",
        "command": request.task.name,
        "input": request.name,
        "output": "-" if request.target is None else str(request.target),
        "uncertainty": str(request.uncertainty) if mapped else None,
        "input_size": list(input_size),
        "output_size": list(output_size),
        "layout": layout,
        "axes": None if axes is None else axes[0],
        "shape": None if axes is None else axes[1],
        "format": request.writing.format,
        "clipped": clipped,
        "settings": request.settings.as_dict()
        | {"jpeg": request.reading.jpeg}
        | describe_task(request),
        **fit,
    }
    whole: dict[str, Any] = finite(report)
    return whole


def describe_task(request: Request) -> dict[str, Any]:
    """The options that belong to one task."""
    task = request.task
    asked = asdict(task.noise)
    said = {"noise": asked.pop("kind"), "same_noise": asked.pop("same"), **asked}
    if isinstance(task, Superres):
        return {"scale": task.scale, "kernel": task.kernel, **said}
    if isinstance(task, Inpaint):
        mask = "alpha" if task.mask is None else "-" if isinstance(task.mask, bytes) else task.mask
        return {
            "mask": str(mask),
            "invert_mask": task.invert,
            "grow": task.grow,
            "clean": task.clean,
            **said,
        }
    return said


def describe_failure(command: str, name: str, message: str, code: int) -> dict[str, Any]:
    """The report of a picture that could not be restored."""
    return {
        "schema": SCHEMA,
        "status": "failed",
        "command": command,
        "input": name,
        "error": message,
        "exit_code": code,
    }


def describe_batch(
    command: str,
    files: Sequence[Mapping[str, Any]],
    *,
    skipped: int,
    code: int,
    seconds: float,
    unread: Mapping[str, int],
) -> dict[str, Any]:
    """The report of many pictures: counts, and the report of each."""
    failed = sum(report["status"] == "failed" for report in files)
    return {
        "schema": BATCH_SCHEMA,
        "command": command,
        "exit_code": code,
        "done": len(files) - failed,
        "failed": failed,
        "skipped": skipped,
        "unread": dict(unread),
        "seconds": round(seconds, 3),
        "notes": [describe_unread(unread)] if unread else [],
        "files": list(files),
    }
