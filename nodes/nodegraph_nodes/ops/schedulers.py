"""Schedulers of published checkpoints: what their configurations mean here, where a sampler is told apart from them.

Of a scheduler the schedule belongs to the network, whether it tells the variance, and up to where its estimates
are thresholded; the rest is a sampler's. The numbers that a configuration leaves out are diffusers' defaults.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import sqrt
from operator import mul
from types import MappingProxyType
from typing import Any

from nodegraph_nodes.ops.checkpoints import Checkpoint
from nodegraph_nodes.ops.schedules import linear
from nodegraph_nodes.types import NoiseSchedule

MOST_STEPS = 100_000
"""How many timesteps a schedule may have; more are a mistake in a file, and would take all memory."""


def schedule_of(
    checkpoint: Checkpoint, component: str = "scheduler", predictions: Sequence[str] = ("epsilon",)
) -> NoiseSchedule:
    """The schedule, in double precision; ValueError when it is one that we do not have.

    Args:
        predictions: what its network may tell of a noisy picture.
    """
    config, place = checkpoint.config(component), place_of(checkpoint, component)
    prediction = prediction_of(checkpoint, component)
    if prediction not in predictions:
        named = " or ".join(f"{name}, the {PREDICTIONS.get(name, name)}" for name in predictions)
        raise ValueError(f"{place} has the prediction_type {prediction}, must be {named}")
    if config.get("rescale_betas_zero_snr"):
        raise ValueError(f"{place} has rescale_betas_zero_snr, must leave some of the picture at the last timestep")
    steps = number_in(config, "num_train_timesteps", 1000, place)
    if not 1 <= steps <= MOST_STEPS or steps % 1:
        raise ValueError(
            f"{place} has the num_train_timesteps {steps:g}, must be a whole number up to {MOST_STEPS}, such as 1000"
        )
    steps = int(steps)
    if config.get("trained_betas") is None and config.get("beta_schedule") == "squaredcos_cap_v2":
        return NoiseSchedule.named("cosine", steps)
    table = tuple(accumulate((1 - beta for beta in betas_in(config, steps, place)), mul))
    known = (NoiseSchedule.named(name, steps) for name in ("scaled_linear", "linear")) if steps > 1 else ()
    found = next((schedule for schedule in known if schedule.alphas_cumprod == table), None)
    return found or NoiseSchedule(f"of {place}", table)


PREDICTIONS: Mapping[str, str] = MappingProxyType({"epsilon": "noise", "v_prediction": "velocity"})
"""What a network may tell of a noisy picture, by diffusers' names."""


def prediction_of(checkpoint: Checkpoint, component: str = "scheduler") -> str:
    """What the network tells of a noisy picture: "epsilon", the noise, or "v_prediction", the velocity."""
    return str(checkpoint.config(component).get("prediction_type", "epsilon"))


def betas_in(config: dict[str, Any], steps: int, place: str) -> list[float]:
    """The betas of a schedule that is not DeepFloyd IF's."""
    if config.get("trained_betas") is not None:
        betas = config["trained_betas"]
        if not isinstance(betas, list) or not betas:
            raise ValueError(f"{place} has the trained_betas {betas!r:.40}, must be a list of numbers")
        return [number_in({"trained_betas": beta}, "trained_betas", 0.0, place) for beta in betas]
    first, last = number_in(config, "beta_start", 1e-4, place), number_in(config, "beta_end", 0.02, place)
    kind = config.get("beta_schedule", "linear")
    if kind == "linear":
        return linear(steps, first, last)
    if kind == "scaled_linear":
        return [root * root for root in linear(steps, sqrt(first), sqrt(last))]
    raise ValueError(f"{place} has the beta_schedule {kind}, must be squaredcos_cap_v2, linear or scaled_linear")


def tells_variance(checkpoint: Checkpoint, component: str = "scheduler") -> bool:
    """Whether the further channels of the network are to be used: as the coordinate of `Estimate.variance`.

    Networks that were trained further without them have a scheduler of fixed variance, and their channels mean nothing.
    """
    kind = checkpoint.config(component).get("variance_type", "fixed_small")
    if kind == "learned":
        raise ValueError(
            f"{place_of(checkpoint, component)} has the variance_type learned, must be learned_range or a fixed one"
        )
    return bool(kind == "learned_range")


def largest_of(checkpoint: Checkpoint, component: str = "scheduler") -> float | None:
    """Up to where clean pictures are thresholded dynamically; None where the configuration does not ask for it.

    It is 1.5 in DeepFloyd IF's first stage, and in its second 1, which makes the threshold a clamp.
    """
    config = checkpoint.config(component)
    if not config.get("thresholding", False):
        return None
    largest = number_in(config, "sample_max_value", 1.0, place_of(checkpoint, component))
    if not largest >= 1:
        raise ValueError(f"{place_of(checkpoint, component)} has the sample_max_value {largest:g}, must be at least 1")
    return largest


def number_in(config: dict[str, Any], name: str, default: float, place: str) -> float:
    """A number of a configuration; ValueError names the file and the field of one that is none."""
    value = config.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{place} has the {name} {value!r:.40}, must be a number; get the checkpoint again")
    return float(value)


def place_of(checkpoint: Checkpoint, component: str) -> str:
    return f"{component}/scheduler_config.json in {checkpoint.folder}"
