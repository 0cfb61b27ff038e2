"""The exact denoiser of Gaussian data: closed forms for everything that is built on denoisers."""

from dataclasses import dataclass, field

from torch import Tensor

from nodegraph_nodes.ops.copies import placed
from nodegraph_nodes.ops.evaluation import rows_for
from nodegraph_nodes.types import Asking, Denoiser, Estimate, NoiseSchedule, Point, Shape


@dataclass(frozen=True, eq=False)
class ExactGaussian(Denoiser):
    """Knows the noise in pictures whose pixels are independent normal variables, in closed form.

    If `x_0 ~ N(mean, sigma^2)` then `x_t ~ N(alpha mean, alpha^2 sigma^2 + sigma_t^2)`, and the expected noise in it is
    `sigma_t (x_t - alpha mean) / (alpha^2 sigma^2 + sigma_t^2)`.

    Args:
        mean: (B or 1, C or 1, H or 1, W or 1); row i of the pictures takes row i mod n.
        sigma: standard deviation of every pixel; 0 for a single picture.
    """

    mean: Tensor
    sigma: float
    schedule: NoiseSchedule = field(repr=False)
    shape: Shape | None = None
    space: str = "pixels"

    def __post_init__(self) -> None:
        if not 0 <= self.sigma < float("inf"):
            raise ValueError(f"sigma is {self.sigma}, must be 0 or more")
        if self.mean.ndim != 4:
            raise ValueError(f"mean has the shape {list(self.mean.shape)}, must be (B, C, H, W)")

    def ask(self, p: Point) -> Asking:
        yield from ()  # it has no question
        alpha, sigma_t = self.schedule.alpha(p.t), self.schedule.sigma(p.t)
        mean = placed(self, self.mean, p.x)
        mean = mean if len(mean) == 1 else rows_for(mean, len(p.x), "mean")
        return Estimate((p.x - alpha * mean) * (sigma_t / (alpha**2 * self.sigma**2 + sigma_t**2)))
