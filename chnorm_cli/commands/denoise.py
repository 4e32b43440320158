"""`chnorm denoise`."""

from __future__ import annotations

from chnorm_cli.commands.aliases import Pictures
from chnorm_cli.commands.flat import flat
from chnorm_cli.commands.noise_options import NoiseOptions
from chnorm_cli.commands.options import Options
from chnorm_cli.scaling.failures import ExitCode
from chnorm_cli.scaling.requests import Denoise


@flat
def denoise(pictures: Pictures, options: Options, noise: NoiseOptions) -> ExitCode:
    """Remove noise; its law is found from the picture.

    For example:
      chnorm denoise noisy.png -o clean.png
      chnorm denoise noisy.tif -o clean.tif --effort best --sigma 12
      chnorm denoise scans/ -o clean/ --jobs 2
      cat noisy.png | chnorm denoise - > clean.png

    It stops by itself; --effort and --time say how long it may take.
    """
    from chnorm_cli.commands.restoring import restore

    asked = noise.asked()
    return restore("denoise", lambda _: Denoise(asked), pictures, options)
