"""What the output cells of the authors' notebooks hold: one run each, of an unknown seed.

Source: github.com/MLI-lab/channel_normalization, commit c26d1e1. Keys are (network, normalization).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RecordedImage:
    """Losses and gradients of `normalization_deep_decoder.ipynb`: `mri.png`, 256², 5000 steps."""

    loss: float  # at the end
    second_loss: float  # after one update
    second_norms: dict[str, float]  # ‖∇W_l‖ after one update, of the layers that are printed


IMAGE = {
    "channel, γ ~ U(0, 1)": RecordedImage(
        3.72e-4, 0.233,
        {"hidden.0": 0.0781, "hidden.4": 0.134, "hidden.5": 0.265, "output": 0.317},
    ),
    "none": RecordedImage(
        0.0476, 0.128,
        {"hidden.0": 1.76e-3, "hidden.4": 0.0263, "hidden.5": 0.0658, "output": 0.0797},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class RecordedSignal:
    """Loss at the end, and the geometric mean over layers of ‖∇W_l‖ at the start."""

    loss: float
    layer_norm: float | None


# `one_dim_net_convergence_paper.ipynb`
SIGNALS = {
    ("ReLU, 4 × 12", "channel"): RecordedSignal(3.7e-5, None),
    ("ReLU, 4 × 12", "none"): RecordedSignal(0.25, None),
    ("linear, 5", "channel"): RecordedSignal(2.31e-4, 0.0560),
    ("linear, 10", "channel"): RecordedSignal(1.88e-3, 0.0270),
    ("linear, 30", "channel"): RecordedSignal(0.114, 0.0164),
    ("linear, 5", "none"): RecordedSignal(0.50, 8.88e-4),
    ("linear, 10", "none"): RecordedSignal(0.25, 5.74e-6),
    ("linear, 30", "none"): RecordedSignal(0.25, 2.46e-10),
}

# The same code, run again by us under torch 2.13 (`torch.manual_seed`): medians of seeds 0 to 8, at
# depth 30 of 0 to 4, and there without normalization of the first gradients of 0 to 30 (its loss was
# not run again). One recorded run says little: the nine losses at depth 5 go from 3.3e-4 to 0.11.
AGAIN = {
    ("linear, 5", "channel"): RecordedSignal(1.48e-3, 0.0259),
    ("linear, 10", "channel"): RecordedSignal(4.99e-4, 0.0264),
    ("linear, 30", "channel"): RecordedSignal(9.52e-3, 0.0203),
    ("linear, 5", "none"): RecordedSignal(0.50, 4.78e-4),
    ("linear, 10", "none"): RecordedSignal(0.25, 6.65e-6),
    ("linear, 30", "none"): RecordedSignal(0.25, 1.10e-11),
}


# `visualize_loss_function_landscape.ipynb`: losses after 2000 steps
LANDSCAPES = {
    ("ReLU, 4 × 10", "channel"): 1.0e-5,
    ("ReLU, 4 × 10", "none"): 0.250,
    ("linear, 10", "channel"): 1.32e-3,
    ("linear, 10", "none"): 0.220,
}
