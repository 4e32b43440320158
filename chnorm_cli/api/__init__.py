"""The three tasks on numpy arrays, in scikit-image's manner."""

from chnorm_cli.api.enlarging import superres
from chnorm_cli.api.tasks import denoise, inpaint
from chnorm_cli.fitting.solution import DivergedError

__all__ = ["DivergedError", "denoise", "inpaint", "superres"]
