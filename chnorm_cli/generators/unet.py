"""An image-to-image U-Net that learns what a classical first guess still lacks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from chnorm_cli.generators.layers import activate_and_normalize
from chnorm_cli.generators.names import Normalization, NormalizationPlace


class UNet(nn.Module):
    """Maps feature maps (N, C_in, H, W) to a correction (N, C_out, H, W), for any H, W ≥ 1.

    One 3×3 convolution a scale on each side, average pooling down, 1×1 then nearest up (the 1×1
    convolution costs a quarter before the upsampling and is the same function). The last
    convolution starts at zero, so an untrained network leaves the first guess as it is.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        widths: tuple[int, ...] = (24, 32, 48, 64),
        norm: Normalization = Normalization.CHANNEL,
        place: NormalizationPlace = NormalizationPlace.AFTER,
    ) -> None:
        super().__init__()

        def block(i: int, o: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(i, o, 3, padding=1), activate_and_normalize(o, norm, place)
            )

        self.encoder = nn.ModuleList(
            block(i, o) for i, o in zip((inputs, *widths[:-1]), widths, strict=True)
        )
        pairs = list(zip(widths[1:], widths[:-1], strict=True))[::-1]  # (coarse, fine)
        self.rise = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for coarse, fine in pairs)
        self.decoder = nn.ModuleList(block(2 * fine, fine) for _, fine in pairs)
        self.output = nn.Conv2d(widths[0], outputs, 3, padding=1)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        """Give the correction to the first guess."""
        skips: list[Tensor] = []
        z = features
        for scale, block in enumerate(self.encoder):
            z = block(F.avg_pool2d(z, 2, ceil_mode=True) if scale else z)
            skips.append(z)
        z = skips.pop()
        for rise, block in zip(self.rise, self.decoder, strict=True):
            skip = skips.pop()
            z = F.interpolate(rise(z), scale_factor=2.0, mode="nearest")
            z = block(torch.cat([z[..., : skip.shape[-2], : skip.shape[-1]], skip], dim=1))
        correction: Tensor = self.output(z)
        return correction
