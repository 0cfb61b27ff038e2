"""The plot of a loss: curves where they belong, for every length of training."""

import numpy as np
import pytest

from nodegraph_nodes.ops.plots import EACH, MEAN, plot_losses, running_mean, smoothing_window


def drawn(picture, colour) -> np.ndarray:
    """Rows and columns of the pixels that have exactly this colour."""
    values = ((picture[0] + 1) * 127.5).round().numpy().transpose(1, 2, 0)
    return np.argwhere((values == colour).all(axis=-1))


def falling(count: int) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=count)
    return (0.03 + np.exp(-np.arange(count) / (count / 10))) * np.exp(0.1 * noise)


@pytest.mark.parametrize("count, per_epoch", [(1, 0), (1, 1), (2, 1), (12, 4), (300, 0), (9380, 469), (100_000, 469)])
@pytest.mark.parametrize("logarithmic", [True, False])
def test_every_length_is_drawn(count, per_epoch, logarithmic):
    picture = plot_losses(falling(count), per_epoch, logarithmic=logarithmic)
    assert picture.shape == (1, 3, 520, 900) and picture.min() >= -1 and picture.max() <= 1
    assert len(drawn(picture, MEAN)) > 20
    assert (len(drawn(picture, EACH)) > 20) == (count >= 20)


def test_the_curve_falls_from_the_upper_left_to_the_lower_right():
    curve = drawn(plot_losses(falling(2000), 100), MEAN)
    curve = curve[curve[:, 0] > 60]  # below the legend
    first, last = curve[curve[:, 1].argmin()], curve[(curve[:, 1] < 800)][:, 1].argmax()
    assert first[0] < 150 and curve[last][0] > 380


def test_a_constant_loss_is_a_level_line():
    rows = drawn(plot_losses([0.03] * 500, 50), MEAN)
    rows = rows[(rows[:, 0] > 60) & (rows[:, 1] < 800)][:, 0]
    assert np.ptp(rows) <= 3


def test_the_running_mean():
    values = np.arange(10.0)
    np.testing.assert_allclose(running_mean(values, 5), [0, 1, 2, 3, 4, 5, 6, 7, 7.5, 8])
    assert [smoothing_window(count) for count in (1, 19, 20, 300, 10_000)] == [1, 1, 5, 7, 201]


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="at least one step"):
        plot_losses([])
    with pytest.raises(ValueError, match="loss of step 3 is no finite number"):
        plot_losses([1, 2, float("nan")])
    with pytest.raises(ValueError, match="more than 0 on a logarithmic scale"):
        plot_losses([1, 0])
    plot_losses([1, 0], logarithmic=False)
    with pytest.raises(ValueError, match="at least 240 x 160"):
        plot_losses([1], width=100)
