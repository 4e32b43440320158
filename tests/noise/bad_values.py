"""Pictures with bad pixels, and others whose own dots are not to be taken for such."""

import torch
from clean_pictures import crop


def photograph(name="astronaut", side=128):
    return crop(name, 20)[:, :side, :side].contiguous()


def eight_bit(x):
    return (255 * x).round().clamp(0, 255) / 255


def thrown(x, share, seed=0, *, each=False):
    """Black and white pixels at random, and where they are."""
    random = torch.Generator().manual_seed(seed)
    shape = x.shape if each else x.shape[1:]
    bad = (torch.rand(shape, generator=random) < share).expand_as(x)
    ends = (torch.rand(shape, generator=random) < 0.5).float().expand_as(x)
    return torch.where(bad, ends, x), bad


def noisy(x, sigma, seed=1):
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
    return x + sigma / 255 * noise


def stars(width, sigma=3.0, side=128, count=150):
    """Stars of all strengths, some cut off at white, of a Gaussian spread of `width` pixels."""
    random = torch.Generator().manual_seed(5)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    x = torch.full((side, side), 0.05)
    for _ in range(count):
        top, left, strength = torch.rand(3, generator=random).tolist()
        height = min(0.03 / max(strength, 0.01), 2.0)
        squares = (rows - side * top) ** 2 + (columns - side * left) ** 2
        x = x + height * torch.exp(-squares / (2 * width**2))
    return eight_bit(noisy(x[None], sigma))
