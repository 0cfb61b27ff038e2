"""Training: the schedule's oracle, what a step may depend on, and going on after a stop or a kill."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import DDPMScheduler
from torch import Tensor

from nodegraph_nodes.ops.mnist import data_hash, load_mnist
from nodegraph_nodes.ops.training import (
    TrainingSettings,
    TrainingStep,
    draw_sheet,
    learning_rate,
    train,
    training_digest,
)
from nodegraph_nodes.ops.unet import UNet, UNetConfig, build_unet
from nodegraph_nodes.ops.weights import read_safetensors

DATA = Path(__file__).parents[1] / "data" / "mnist"
FAST = TrainingSettings(epochs=3, batch=8, widths=(8, 8, 16), sheets=(2, 3))


@pytest.fixture(autouse=True)
def quick_sheets(monkeypatch):
    monkeypatch.setattr("nodegraph_nodes.ops.training.SHEET_STEPS", 2)


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    """The middles of 32 pictures: four steps an epoch, each soon done."""
    images, labels, _ = load_mnist(DATA)
    return images[:32, 8:20, 8:20], labels[:32]


def losses(steps: list[TrainingStep]) -> list[float]:
    return [step.loss for step in steps]


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def alphas_cumprod() -> Tensor:
    return DDPMScheduler(1000, beta_start=1e-4, beta_end=0.02, beta_schedule="linear").alphas_cumprod


def noise_in(x_t: Tensor, x_0: Tensor, t: Tensor | int) -> Tensor:
    ab_t = torch.atleast_1d(alphas_cumprod()[t])[:, None, None, None]
    return (x_t - ab_t.sqrt() * x_0) / (1 - ab_t).sqrt()


def test_a_network_that_knows_the_picture_has_no_loss(digits, monkeypatch):
    x_0 = digits[0][0] / 127.5 - 1
    monkeypatch.setattr(UNet, "forward", lambda self, x, t, label: noise_in(x, x_0, t) + 0 * self.enter.bias.sum())
    steps = train(digits[0][:1].expand(8, -1, -1), digits[1][:8], FAST)

    assert next(steps).loss < 1e-8
    steps.close()


def test_the_learning_rate_goes_up_and_down_once():
    rates = [learning_rate(step, 1000, 2e-3) for step in range(1000)]

    assert rates[0] == pytest.approx(2e-3 / 25)
    assert max(rates) == rates[300] == 2e-3
    assert rates[:301] == sorted(rates[:301])
    assert rates[300:] == sorted(rates[300:], reverse=True)
    assert 0 < rates[-1] < 1e-7
    assert learning_rate(0, 1, 2e-3) > 0


def test_the_loss_falls_and_the_average_learns():
    images, labels, _ = load_mnist(DATA)
    settings = TrainingSettings(epochs=3, batch=32, widths=(8, 16, 32), ema=0.9, lr=4e-3)
    steps = list(train(images, labels, settings))

    assert len(steps) == 3 * 19
    assert sum(losses(steps)[-10:]) < 0.3 * sum(losses(steps)[:10])
    assert losses(steps) == steps[-1].result.losses
    config, weights = steps[-1].result.config, steps[-1].result.weights
    assert error(build_unet(config, weights), images[:100], labels[:100]) < 0.3


def error(net: UNet, images: Tensor, labels: Tensor) -> float:
    generator = torch.Generator().manual_seed(3)
    x_0, noise = images[:, None] / 127.5 - 1, torch.randn((len(images), 1, 28, 28), generator=generator)
    t = torch.arange(len(images)) * (1000 // len(images))
    ab_t = alphas_cumprod()[t][:, None, None, None]
    return (net(ab_t.sqrt() * x_0 + (1 - ab_t).sqrt() * noise, t, labels) - noise).square().mean().item()


def test_each_epoch_ends_with_weights_and_a_sheet(digits):
    steps = list(train(*digits, FAST))

    assert [(step.epoch, step.step, step.total) for step in steps] == [(1 + i // 4, i + 1, 12) for i in range(12)]
    assert [step.step for step in steps if step.weights is not None] == [4, 8, 12]
    assert [step.step for step in steps if step.sheet is not None] == [4, 8, 12]
    assert [step.step for step in steps if step.result is not None] == [12]
    result = steps[-1].result
    assert (steps[-1].sheet.shape, steps[-1].sheet.dtype) == ((4 * 12, 10 * 12), torch.uint8)
    assert list(result.sheets) == [2, 3]
    assert torch.equal(result.sheets[2], steps[7].sheet)
    assert same(result.weights, steps[-1].weights)
    assert not same(steps[3].weights, steps[7].weights)
    assert result.metadata["data"] == data_hash(*digits)
    assert (result.metadata["seed"], result.metadata["epochs"]) == ("0", "3")


def test_a_training_repeats_itself_and_leaves_everything_else_alone(digits):
    images, labels = digits[0].clone(), digits[1].clone()
    state = torch.random.get_rng_state()
    with torch.no_grad():
        first = list(train(images, labels, FAST))

    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(images, digits[0])
    assert torch.equal(labels, digits[1])
    torch.manual_seed(99)
    assert losses(list(train(*digits, FAST))) == losses(first)
    assert losses(list(train(*digits, replace(FAST, seed=1)))) != losses(first)


def test_a_step_that_runs_out_of_memory_is_taken_again_when_there_is_room(digits, monkeypatch):
    """In the midst of the backward pass, with half of the gradients there; what is learned is the same."""
    expected = losses(list(train(*digits, FAST)))
    backward, full, asked = torch.Tensor.backward, [3, 7], []

    def failing(self, *given, **more):
        backward(self, *given, **more)
        step = len(asked) + len(found) + 1
        if full and step == full[0]:
            del full[0]
            raise torch.OutOfMemoryError("CUDA out of memory")

    def make_room():
        asked.append(1)
        return 10

    monkeypatch.setattr(torch.Tensor, "backward", failing)
    found = []
    for step in train(*digits, FAST, make_room=make_room):
        found.append(step.loss)
    assert found == expected and len(asked) == 2 and not full

    full = [1]
    found, asked = [], []
    with pytest.raises(MemoryError, match="CUDA out of memory"):
        next(train(*digits, FAST))


def seen_labels(monkeypatch, training: Callable[[], object]) -> list[Tensor]:
    """The labels that the network was given at each step of the optimiser."""
    seen = []
    original = UNet.forward

    def forward(self, x, t, label):
        if torch.is_grad_enabled():
            seen.append(label)
        return original(self, x, t, label)

    monkeypatch.setattr(UNet, "forward", forward)
    training()
    return seen


def test_every_picture_is_seen_once_an_epoch(digits, monkeypatch):
    images = torch.arange(10, dtype=torch.uint8)[:, None, None].expand(10, 8, 8).contiguous()
    settings = TrainingSettings(epochs=2, batch=4, widths=(8, 8, 8), class_dropout=0)
    trained = seen_labels(monkeypatch, lambda: list(train(images, torch.arange(10), settings)))

    assert [len(labels) for labels in trained] == [4, 4, 2, 4, 4, 2]
    first, second = (torch.cat(trained[i : i + 3]).tolist() for i in (0, 3))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_a_class_that_is_always_dropped_is_as_good_as_none(digits):
    images, labels = digits
    hidden = losses(list(train(images, labels, replace(FAST, class_dropout=1.0))))

    assert hidden == losses(list(train(images, labels.flip(0), replace(FAST, class_dropout=1.0))))
    assert hidden == losses(list(train(images, labels, replace(FAST, class_conditional=False))))
    assert hidden != losses(list(train(images, labels, replace(FAST, class_dropout=0.0))))


def test_a_tenth_of_the_classes_is_dropped_to_a_class_of_its_own(digits, monkeypatch):
    settings = replace(FAST, epochs=60, batch=32)
    trained = torch.cat(seen_labels(monkeypatch, lambda: list(train(*digits, settings))))

    assert len(trained) == 60 * 32
    assert 0.07 < (trained == 10).float().mean() < 0.13


@pytest.mark.parametrize("stop", [1, 3, 4, 5, 11, 12])
def test_a_training_goes_on_where_its_consumer_stopped(digits, tmp_path, stop):
    whole = list(train(*digits, FAST))
    checkpoint = tmp_path / "checkpoint.safetensors"
    steps = train(*digits, FAST, checkpoint)
    before = [next(steps) for _ in range(stop)]
    steps.close()
    after = list(train(*digits, FAST, checkpoint))

    expected = losses(whole) if stop < 12 else [*losses(whole), whole[-1].loss]  # a finished one only gives its result
    assert losses(before) + losses(after) == expected
    assert same(after[-1].result.weights, whole[-1].result.weights)
    assert after[-1].result.losses == losses(whole)
    assert same(after[-1].result.sheets, whole[-1].result.sheets)
    assert after[-1].result.metadata == whole[-1].result.metadata


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_training_that_is_ended_while_it_draws_samples_goes_on_as_if_it_had_not_been(digits, tmp_path, epoch):
    class Ended(Exception):
        pass

    whole = list(train(*digits, FAST))
    checkpoint = tmp_path / "checkpoint.safetensors"
    asked = []

    def ask():
        asked.append(len(before))
        if len(before) == 4 * epoch - 1:
            raise Ended

    before: list[TrainingStep] = []
    with pytest.raises(Ended):
        for step in train(*digits, FAST, checkpoint, ask=ask):
            before.append(step)
    assert asked.count(4 * epoch - 1) == 1  # at the first step of drawing, not at its end
    after = list(train(*digits, FAST, checkpoint))
    # the step whose sheet was left is told again only where that sheet is kept
    told = [step.step for step in after]
    assert told == list(range(4 * epoch + (epoch not in FAST.sheets), 13))
    assert same(after[-1].result.weights, whole[-1].result.weights)
    assert same(after[-1].result.sheets, whole[-1].result.sheets)
    assert after[-1].result.losses == losses(whole)


def test_a_training_that_is_killed_goes_on_with_the_same_losses(digits, tmp_path):
    whole = list(train(*digits, FAST))
    checkpoint = tmp_path / "checkpoint.safetensors"
    steps = random.Random(5).randint(5, 11)
    program = f"""
import os, signal, sys
import torch
from nodegraph_nodes.ops import training
from nodegraph_nodes.ops.mnist import load_mnist
from pathlib import Path
training.SHEET_STEPS = 2
torch.set_num_threads({torch.get_num_threads()})
images, labels, _ = load_mnist(Path(sys.argv[1]))
settings = training.TrainingSettings(epochs=3, batch=8, widths=(8, 8, 16), sheets=(2, 3))
for step in training.train(images[:32, 8:20, 8:20], labels[:32], settings, Path(sys.argv[2])):
    if step.step == {steps}:
        os.kill(os.getpid(), signal.SIGKILL)
"""
    paths = os.pathsep.join(path for path in sys.path if path)
    killed = subprocess.run(
        [sys.executable, "-c", program, DATA, checkpoint], env={**os.environ, "PYTHONPATH": paths}, timeout=300
    )
    after = list(train(*digits, FAST, checkpoint))

    assert killed.returncode == -signal.SIGKILL
    assert after[0].step == steps // 4 * 4 + 1
    assert losses(after) == losses(whole)[after[0].step - 1 :]
    assert same(after[-1].result.weights, whole[-1].result.weights)


def test_a_checkpoint_of_another_training_is_not_taken_up(digits, tmp_path):
    checkpoint = tmp_path / "checkpoint.safetensors"
    images, labels = digits

    def first_step(images: Tensor, settings: TrainingSettings) -> int:
        steps = train(images, labels, settings, checkpoint)
        step = next(steps).step
        steps.close()
        return step

    assert [first_step(images, FAST) for _ in range(3)] == [1, 2, 3]
    assert first_step(images, replace(FAST, lr=1e-3)) == 1
    assert first_step(images, FAST) == 1
    assert first_step(255 - images, FAST) == 1


def test_the_digest_names_settings_and_data():
    digests = {training_digest(settings, data) for settings in (FAST, TrainingSettings()) for data in ("a", "b")}
    assert len(digests) == 4
    assert training_digest(FAST, "a") == training_digest(replace(FAST), "a")


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda content: content[: len(content) // 2], "not a whole safetensors file"),
        (lambda content: b"PK\x03\x04" + bytes(100), "is a pickle"),
        (
            lambda content: content.replace(b'"mean.enter.bias"', b'"mean.enter.bios"'),
            r"does not hold .*mean\.enter\.bias",
        ),
    ],
)
def test_a_damaged_checkpoint_is_an_error_and_stays(digits, tmp_path, damage, complaint):
    checkpoint = tmp_path / "checkpoint.safetensors"
    next(steps := train(*digits, FAST, checkpoint))
    steps.close()
    damaged = damage(checkpoint.read_bytes())
    checkpoint.write_bytes(damaged)

    with pytest.raises(ValueError, match=complaint) as caught:
        next(train(*digits, FAST, checkpoint))
    assert str(checkpoint) in str(caught.value)
    assert checkpoint.read_bytes() == damaged


def test_a_loss_that_is_no_number_stops_before_it_spoils_the_weights(digits, tmp_path, monkeypatch):
    checkpoint = tmp_path / "checkpoint.safetensors"
    steps = train(*digits, FAST, checkpoint)
    next(steps)
    monkeypatch.setattr(UNet, "forward", lambda self, x, t, label: x * float("nan"))

    with pytest.raises(ValueError, match=r"the loss is nan at step 2; lr is 0\.002, try a lower one"):
        next(steps)
    tensors, _ = read_safetensors(checkpoint)
    assert len(tensors["losses"]) == 1
    assert all(torch.isfinite(value).all() for value in tensors.values())


@pytest.mark.parametrize(("place", "kept"), [("torch.nn.utils.clip_grad_norm_", 2), ("torch.optim.AdamW.step", None)])
def test_an_interrupt_within_a_step_keeps_whole_steps_only(digits, tmp_path, monkeypatch, place, kept):
    checkpoint = tmp_path / "checkpoint.safetensors"
    steps = train(*digits, FAST, checkpoint)
    expected = [next(steps).loss, next(steps).loss]

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(place, interrupt)
        next(steps)
    assert checkpoint.exists() == (kept is not None)
    if kept is not None:
        again = train(*digits, FAST, checkpoint)
        assert next(again).loss == list(train(*digits, FAST))[kept].loss
        assert read_safetensors(checkpoint)[0]["losses"].tolist() == expected
        again.close()


def test_a_full_disk_is_an_error_with_the_checkpoint_named(digits, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ValueError, match=r"checkpoint\.safetensors cannot be written: No space left on device"):
        list(train(*digits, FAST, tmp_path / "checkpoint.safetensors"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (torch.zeros(0, 28, 28, dtype=torch.uint8), torch.zeros(0, dtype=torch.long)),
        (torch.zeros(2, 28, 24, dtype=torch.uint8), torch.zeros(2, dtype=torch.long)),
        (torch.zeros(2, 28, 28, dtype=torch.uint8), torch.zeros(3, dtype=torch.long)),
        (torch.zeros(2, 784, dtype=torch.uint8), torch.zeros(2, dtype=torch.long)),
    ],
)
def test_data_that_do_not_fit_are_refused(images, labels):
    with pytest.raises(ValueError, match=r"must be \(N, S, S\) and \(N,\)"):
        next(train(images, labels, FAST))


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("epochs", 0, "1 to inf"),
        ("batch", 0, "1 to inf"),
        ("class_dropout", 1.5, "0 to 1"),
        ("lr", float("nan"), "0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(name, value, allowed):
    with pytest.raises(ValueError, match=f"{name} is {value}, must be {allowed}"):
        TrainingSettings(**{name: value})


def test_a_sheet_has_a_row_and_a_column_for_each_label():
    """A network that knows the noise in one clean picture leads every sample to that."""
    target = torch.linspace(-0.9, 0.9, 28).expand(28, 28)

    class Knowing(UNet):
        def forward(self, x, t, label):
            return noise_in(x, target * (1 - 2 * (label == 3).float())[:, None, None, None], t)

    sheet = draw_sheet(Knowing(UNetConfig(widths=(8,))), torch.tensor([[0, 3, 0], [3, 0, 0]]), steps=20)
    expected = (target * 127.5 + 127.5).round()
    cells = sheet.reshape(2, 28, 3, 28).transpose(1, 2).float()

    assert (cells[0, 0] - expected).abs().max() <= 1
    assert (cells[0, 1] - (255 - expected)).abs().max() <= 1
    assert (cells[1, 0] - (255 - expected)).abs().max() <= 1
    assert (cells[1, 2] - expected).abs().max() <= 1
