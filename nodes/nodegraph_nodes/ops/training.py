"""Training the U-Net to estimate noise, step by step, and picking up where it was left.

A training is a generator of steps: whoever consumes it owns progress, previews and cancellation, and
may stop at any step. Every random draw is derived from the seed and the number of the step, so a
checkpoint needs no state of random generators, and a training that goes on is the one that was left.

Sources: Ho, Jain and Abbeel 2020, algorithm 1 (the loss) and section 4 (the schedule); Ho and
Salimans 2022, algorithm 1 (the dropped class); Loshchilov and Hutter 2019 (AdamW); Smith and Topin
2018 (the one-cycle schedule).
"""

import hashlib
import json
import math
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from nodegraph_nodes.ops.mnist import data_hash
from nodegraph_nodes.ops.samplers import Sampler
from nodegraph_nodes.ops.shortages import with_room
from nodegraph_nodes.ops.unet import UNet, UNetConfig, build_unet
from nodegraph_nodes.ops.weights import read_safetensors, safetensors_bytes, write_atomically
from nodegraph_nodes.types import Asking, Denoiser, Estimate, NoiseSchedule, Noisy, Point

SHEET_ROWS = 4
SHEET_STEPS = 50


@dataclass(frozen=True)
class TrainingSettings:
    """What decides, together with the data, which network comes out.

    Args:
        epochs: how often every picture is seen.
        batch: pictures a step.
        lr: the highest learning rate of the one-cycle schedule.
        class_conditional: whether the network is told the class at all.
        class_dropout: the share of examples whose class is hidden, so that guidance has both estimates.
        ema: how much of the averaged weights stays at each step.
        clip: the largest norm of a gradient.
        seed: decides first weights, order of pictures, timesteps, noise and hidden classes.
        widths: channels at each resolution, from the full one down.
        sheets: the epochs whose samples are kept.
    """

    epochs: int = 20
    batch: int = 128
    lr: float = 2e-3
    class_conditional: bool = True
    class_dropout: float = 0.1
    ema: float = 0.999
    clip: float = 1.0
    seed: int = 0
    widths: tuple[int, ...] = (32, 64, 128)
    sheets: tuple[int, ...] = (1, 5, 10, 20)

    def __post_init__(self) -> None:
        for name, low, high in (
            ("epochs", 1, math.inf),
            ("batch", 1, math.inf),
            ("lr", 0, 1),
            ("class_dropout", 0, 1),
            ("ema", 0, 1),
            ("clip", 0, math.inf),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}, must be {low} to {high}")


@dataclass(frozen=True)
class TrainingResult:
    """The averaged weights, the loss of each step, and by epoch the kept sheets, uint8 (H, W)."""

    config: UNetConfig
    weights: dict[str, Tensor]
    losses: list[float]
    sheets: dict[int, Tensor]
    metadata: dict[str, str]


@dataclass(frozen=True)
class TrainingStep:
    """The state after step `step` of `total`, in `epoch`; both are counted from 1.

    At an epoch's end `weights` are the averaged ones and `sheet`, uint8 (H, W), shows samples drawn
    with them: a column for each class. The last step carries the result.
    """

    epoch: int
    step: int
    total: int
    loss: float
    weights: dict[str, Tensor] | None = None
    sheet: Tensor | None = None
    result: TrainingResult | None = None


def train(
    images: Tensor,
    labels: Tensor,
    settings: TrainingSettings,
    checkpoint: Path | None = None,
    device: str | torch.device = "cpu",
    ask: Callable[[], object] = lambda: None,
    make_room: Callable[[], int] = lambda: 0,
) -> Generator[TrainingStep, None, None]:
    """Train on pictures, yielding after every step; may be closed at any of them.

    Args:
        images: uint8, (N, S, S).
        labels: int64, (N,), 0 to 9.
        settings: what to do.
        checkpoint: a file written at each epoch's end and when the consumer stops. When it is there
            from an earlier run with equal settings and data, training goes on from its step; that of
            another training is replaced.
        device: where the network is trained.
        ask: called between the steps that draw the samples of an epoch, where nothing is yielded; what it raises
            ends the training, which can go on from there as from any other step.
        make_room: called when memory runs out there; how many bytes it freed for the step to be tried again.

    Raises:
        ValueError: the data do not fit, the checkpoint is damaged, or the loss stopped being a number.
    """
    if images.ndim != 3 or images.shape[1] != images.shape[2] or len(images) == 0 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"images are {list(images.shape)} and labels {list(labels.shape)}, must be (N, S, S) and (N,), N at least 1"
        )
    training = with_room(lambda: _Training(images, labels, settings, torch.device(device)), make_room)
    if checkpoint is not None and checkpoint.exists():
        training.resume(checkpoint)
    saved = training.step
    if training.lacks_sheet:
        training.draw(ask)
        if checkpoint is not None:
            training.save(checkpoint)
        yield training.report()
    elif training.step == training.total:
        yield training.report()

    try:
        while training.step < training.total:
            training.learn(make_room)
            if training.at_epoch_end:
                training.draw(ask)
                if checkpoint is not None:
                    training.save(checkpoint)
                    saved = training.step
            yield training.report()
    finally:
        if checkpoint is not None and training.step != saved and training.settled:
            training.save(checkpoint)


def training_digest(settings: TrainingSettings, data: str) -> str:
    """Names a training: equal for equal settings and data (`data_hash`), and so fit for its checkpoint's name."""
    return hashlib.sha256(f"{_as_json(settings)} {data}".encode()).hexdigest()


def learning_rate(step: int, total: int, highest: float) -> float:
    """The one-cycle schedule: up along a cosine for 30 % of the steps, then down to nothing.

    Args:
        step: 0 to total - 1.
        total: how many steps there are.
        highest: where it turns; it begins at a 25th of that.
    """
    peak = 0.3 * total
    if step < peak:
        return highest * (0.52 - 0.48 * math.cos(math.pi * step / peak))
    return highest * (0.5 + 0.5 * math.cos(math.pi * (step - peak) / (total - peak)))


def has_bf16(device: torch.device) -> bool:
    """Whether the processor or GPU computes in bfloat16 itself; emulated, it would be slower than float32."""
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def draw_sheet(net: UNet, labels: Tensor, steps: int, ask: Callable[[], object] = lambda: None) -> Tensor:
    """Draw one picture for each label by ancestral sampling, always from the same noise.

    Args:
        net: the network, in eval mode.
        labels: (rows, columns), long.
        steps: how many timesteps are visited.
        ask: called after each of them; may raise.

    Returns:
        uint8, (rows * size, columns * size).
    """
    rows, columns = labels.shape
    size = net.config.size
    noise = torch.randn((rows * columns, net.config.channels, size, size), generator=torch.Generator().manual_seed(0))
    sampler = Sampler(steps=steps, spacing="linspace", clip="clamp")
    denoiser = _Labelled(net, labels.flatten(), NoiseSchedule.named("linear"))
    for step in sampler.sample(denoiser, Noisy(noise.to(labels.device))):
        last = step
        ask()

    pixels = (last.x0[:, 0].clamp(-1, 1) * 127.5 + 127.5).round().to(torch.uint8).cpu()
    return pixels.reshape(rows, columns, size, size).transpose(1, 2).reshape(rows * size, columns * size)


@dataclass(frozen=True, eq=False)
class _Labelled(Denoiser):
    """A network at hand, with a label for each picture."""

    net: UNet
    labels: Tensor
    schedule: NoiseSchedule

    def ask(self, p: Point) -> Asking:
        yield from ()
        return Estimate(self.net(p.x, p.t, self.labels))


class _Training:
    """A training between two steps: network, average, optimiser, and what has happened so far."""

    def __init__(self, images: Tensor, labels: Tensor, settings: TrainingSettings, device: torch.device) -> None:
        self.config = UNetConfig(size=images.shape[-1], widths=settings.widths)
        self.settings = settings
        self.device = device
        self.metadata = {
            "settings": _as_json(settings),
            "seed": str(settings.seed),
            "epochs": str(settings.epochs),
            "data": data_hash(images, labels),
        }
        self.images = images.to(device)
        self.labels = labels.to(device)
        self.steps_per_epoch = math.ceil(len(images) / settings.batch)
        self.total = settings.epochs * self.steps_per_epoch
        self.kept = torch.tensor(NoiseSchedule.named("linear").alphas_cumprod, device=device)
        self.bf16 = has_bf16(device)

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.net = UNet(self.config).to(device)
        self.average = {name: value.detach().clone() for name, value in self.net.named_parameters()}
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=settings.lr, fused=device.type in ("cpu", "cuda"))
        self.losses: list[float] = []
        self.sheets: dict[int, Tensor] = {}
        self.sheet: Tensor | None = None
        self.settled = True
        """False while a step changes weights, moments, losses and average; what it leaves then is not worth keeping."""

    @property
    def step(self) -> int:
        return len(self.losses)

    @property
    def at_epoch_end(self) -> bool:
        return self.step % self.steps_per_epoch == 0

    def learn(self, make_room: Callable[[], int]) -> None:
        """Take one step of the optimiser."""
        step, settings = self.step, self.settings
        loss = with_room(lambda: self.differentiate(step), make_room)
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), settings.clip)
        self.settled = False
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, self.total, settings.lr)
        self.optimizer.step()
        self.losses.append(loss)
        self.sheet = None

        decay = min(settings.ema, (1 + step) / (10 + step))  # early on the average would hold on to the first weights
        for name, value in self.net.named_parameters():
            self.average[name].lerp_(value.detach(), 1 - decay)
        self.settled = True

    def differentiate(self, step: int) -> float:
        """Leave the gradients of one step with the weights; its loss."""
        self.optimizer.zero_grad()
        x_0, label, t, noise = self._examples(step)
        ab_t = self.kept[t][:, None, None, None]
        x_t = ab_t.sqrt() * x_0 + (1 - ab_t).sqrt() * noise

        with torch.enable_grad():
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
                estimate = self.net(x_t, t, label)
            loss = F.mse_loss(estimate.float(), noise)
            found = loss.item()
            if not math.isfinite(found):
                raise ValueError(f"the loss is {found} at step {step + 1}; lr is {self.settings.lr}, try a lower one")
            loss.backward()  # type: ignore[no-untyped-call]
        return found

    @property
    def lacks_sheet(self) -> bool:
        """Whether the training was left in the middle of drawing a sheet that is kept."""
        epoch = self.step // self.steps_per_epoch
        return self.step > 0 and self.at_epoch_end and epoch in self.settings.sheets and epoch not in self.sheets

    def draw(self, ask: Callable[[], object]) -> None:
        """Draw the sheet of the epoch that just ended."""
        classes = self.config.classes
        columns = torch.arange(classes) if self.settings.class_conditional else torch.full((classes,), classes)
        net = build_unet(self.config, self.average).to(self.device)
        self.sheet = draw_sheet(net, columns.expand(SHEET_ROWS, classes).to(self.device), SHEET_STEPS, ask)
        epoch = self.step // self.steps_per_epoch
        if epoch in self.settings.sheets:
            self.sheets[epoch] = self.sheet

    def report(self) -> TrainingStep:
        epoch = (self.step - 1) // self.steps_per_epoch + 1
        weights = {name: value.cpu().clone() for name, value in self.average.items()} if self.at_epoch_end else None
        result = None
        if self.step == self.total and weights is not None:
            result = TrainingResult(self.config, weights, list(self.losses), dict(self.sheets), dict(self.metadata))
        return TrainingStep(epoch, self.step, self.total, self.losses[-1], weights, self.sheet, result)

    def save(self, checkpoint: Path) -> None:
        """Write all that the next step depends on."""
        tensors = {"losses": torch.tensor(self.losses, dtype=torch.float64)}
        for name, value in self.net.named_parameters():
            moments = self.optimizer.state[value]
            tensors[f"net.{name}"] = value.detach()
            tensors[f"average.{name}"] = self.average[name]
            tensors[f"mean.{name}"] = moments["exp_avg"]
            tensors[f"square.{name}"] = moments["exp_avg_sq"]
        for epoch, sheet in self.sheets.items():
            tensors[f"sheet.{epoch}"] = sheet
        write_atomically(checkpoint, safetensors_bytes(tensors, self.metadata))

    def resume(self, checkpoint: Path) -> None:
        """Take over what `save` wrote, unless it belongs to other settings or data."""
        tensors, metadata = read_safetensors(checkpoint)
        if metadata != self.metadata:
            return
        try:
            self._take(tensors)
        except (KeyError, RuntimeError) as error:
            raise ValueError(
                f"{checkpoint} does not hold what this training needs ({error}); remove it to begin anew"
            ) from error

    def _take(self, tensors: dict[str, Tensor]) -> None:
        names = [name for name, _ in self.net.named_parameters()]
        self.losses = tensors["losses"].tolist()
        self.sheets = {int(key.removeprefix("sheet.")): tensors[key] for key in tensors if key.startswith("sheet.")}
        self.net.load_state_dict({name: tensors[f"net.{name}"] for name in names})
        self.average = {name: tensors[f"average.{name}"].to(self.device) for name in names}
        moments = {
            index: {
                "step": torch.tensor(float(self.step)),
                "exp_avg": tensors[f"mean.{name}"],
                "exp_avg_sq": tensors[f"square.{name}"],
            }
            for index, name in enumerate(names)
        }
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})

    def _examples(self, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Clean pictures, labels, timesteps and noise of one step: the same whenever it is taken."""
        settings = self.settings
        epoch, index = divmod(step, self.steps_per_epoch)
        order = torch.randperm(len(self.images), generator=_generator(settings.seed, "order", epoch))
        chosen = order[index * settings.batch :][: settings.batch].to(self.device)
        count = len(chosen)

        generator = _generator(settings.seed, "step", step)
        noise = torch.randn((count, 1, *self.images.shape[1:]), generator=generator).to(self.device)
        # One timestep from each of `count` equal spans: every batch covers the whole schedule.
        spans = (torch.arange(count) + torch.rand(count, generator=generator)) / count
        t = (spans * len(self.kept)).long().clamp(max=len(self.kept) - 1).to(self.device)
        hidden = torch.rand(count, generator=generator) < (settings.class_dropout if settings.class_conditional else 2)

        x_0 = self.images[chosen].float().div(127.5).sub(1)[:, None]
        label = self.labels[chosen].masked_fill(hidden.to(self.device), self.config.classes)
        return x_0, label, t, noise


def _as_json(settings: TrainingSettings) -> str:
    return json.dumps(asdict(settings))


def _generator(*key: int | str) -> torch.Generator:
    """A generator that the key alone decides."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:4], "big"))
