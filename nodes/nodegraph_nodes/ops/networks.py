"""Networks as denoisers: the leaves of every composition.

A leaf holds which network it asks and what it asks it with, never the network itself: that lives in a store which is
bounded by bytes, and is fetched to the device of `x` when it is called. So a denoiser that is kept pins no memory.
"""

import json
from collections.abc import Callable, Collection, Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from nodegraph_nodes.ops.devices import find_format
from nodegraph_nodes.ops.digits import read_digits
from nodegraph_nodes.ops.evaluation import rows_for
from nodegraph_nodes.ops.fingerprints import fingerprint
from nodegraph_nodes.ops.shortages import SMALLER, with_room
from nodegraph_nodes.types import Asking, Denoiser, Estimate, Model, NoiseSchedule, Point, Query, Shape

T = TypeVar("T")

SHIPPED = Path(__file__).parent.parent / "weights" / "mnist.safetensors"
"""The network for handwritten digits that this project trained (`examples/train_mnist.json`)."""


class Store(Protocol):
    """Where networks live: made once, moved where they are wanted, let go when room is needed.

    `need` tells the bytes that making takes, where they are known before.
    """

    def get(
        self,
        key: Hashable,
        make: Callable[[], T],
        nbytes: Callable[[T], int] | None = None,
        move: Callable[[T, str], T] | None = None,
        device: str = "cpu",
        need: Callable[[], int] | None = None,
    ) -> T: ...

    def use(
        self,
        key: Hashable,
        make: Callable[[], T],
        nbytes: Callable[[T], int] | None = None,
        move: Callable[[T, str], T] | None = None,
        device: str = "cpu",
        need: Callable[[], int] | None = None,
    ) -> AbstractContextManager[T]:
        """As `get`; within the block nobody takes the value away from the device."""

    def make_room(self, wanted: int | None = None, device: str = "cpu") -> int:
        """Let go of what is not in use, all of it when `wanted` is None; how many bytes are free by that."""

    def shortage(
        self, what: str, device: str, reason: str = "", size: int = 0, remedies: Collection[str] = ()
    ) -> Exception:
        """The error for something that finds no room on a device."""


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """A network in a store, called as if it were at hand.

    Args:
        key: names what `make` makes; equal keys share one network.
        make: loads the network; its modules are called with `(x, t, **inputs)`.
        origin: the value that it is made of, if it is not a file; kept as long as the network is named.
        need: the bytes that making it takes, where that is known before.
    """

    key: Hashable
    make: Callable[[], nn.Module] = field(repr=False)
    store: Store = field(repr=False)
    origin: Model | None = field(default=None, repr=False)
    need: Callable[[], int] | None = field(default=None, repr=False)

    def __call__(self, x: Tensor, t: int, **inputs: Tensor) -> Tensor:
        device = str(x.device)
        with self.store.use(self.key, self.make, module_bytes, moved, device, self.need) as network:
            answer: Tensor = with_room(lambda: network(x, t, **inputs), partial(self.store.make_room, None, device))
        return answer

    def shortage(self, what: str, device: str, reason: str) -> Exception:
        """The error for something that finds no room beside the network."""
        return self.store.shortage(what, device, reason, remedies=[SMALLER])

    def __deepcopy__(self, memo: object) -> "StoredNetwork":
        return self  # it names something shared, and holds nothing of its own


def module_bytes(module: nn.Module) -> int:
    """What the weights of a network take."""
    return sum(value.nbytes for value in (*module.parameters(), *module.buffers()))


def moved(module: nn.Module, device: str) -> nn.Module:
    """The network on a device, its weights in the order that is best there."""
    dtype = next((value.dtype for value in module.parameters()), torch.float32)
    return module.to(device=device, memory_format=find_format(device, dtype))


@dataclass(frozen=True, eq=False)
class NetworkDenoiser(Denoiser):
    """A network that was trained to estimate noise, bound to what it is conditioned on.

    Args:
        network: answers (B, C, H, W), or (B, 2C, H, W) when it also tells the variance.
        inputs: the condition, by name; row i of the pictures takes row i mod n.
        name: what users know it as.
        largest: up to where its clean pictures are thresholded dynamically, as of a `Denoiser`.
    """

    network: StoredNetwork
    inputs: Mapping[str, Tensor]
    schedule: NoiseSchedule = field(repr=False)
    shape: Shape | None = None
    space: str = "pixels"
    name: str = "network"
    largest: float | None = None

    def ask(self, p: Point) -> Asking:
        for name, values in self.inputs.items():
            rows_for(values, len(p.x), f"{self.name}: {name}")  # refused here, before any network is called
        key = (self.network.key, self.fingerprint, p.frame, p.t)
        (answer,) = yield [Query(self.network, p.x, p.t, self.inputs, key)]
        channels = p.x.shape[1]
        if answer.shape[1] == channels:
            return Estimate(answer)
        return Estimate(answer[:, :channels], answer[:, channels:])

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.inputs)


def digit_denoiser(digit: str, store: Store, model: Model | None = None) -> NetworkDenoiser:
    """The U-Net for handwritten digits.

    Args:
        digit: as `read_digits` takes it.
        store: where the network is kept; it is loaded when it is first called.
        model: a network of TrainUNet; the shipped one, for 28 x 28 with 1 channel, when absent.
    """
    network, (classes, shape) = shipped_network(store) if model is None else trained_network(model, store)
    if model is not None and digit.strip() and not knows_classes(model):
        raise ValueError(f"digit is {digit!r}, but the network was trained without classes; leave digit empty")
    label = torch.tensor(read_digits(digit, classes))
    name = f"digit {digit}" if digit.strip() else "any digit"
    return NetworkDenoiser(network, {"label": label}, NoiseSchedule.named("linear"), shape, name=name)


def shipped_network(store: Store) -> tuple[StoredNetwork, tuple[int, Shape]]:
    """The network that comes along, its number of classes and the shape of its pictures."""
    if not SHIPPED.is_file():
        raise ValueError(
            f"the network that should come along is missing: {SHIPPED}; install nodegraph again, "
            "or train one with TrainUNet and link it to model"
        )
    key = ("UNetMNIST", str(SHIPPED), SHIPPED.stat().st_mtime_ns)
    return StoredNetwork(key, load_shipped, store), (10, (1, 28, 28))


def trained_network(model: Model, store: Store) -> tuple[StoredNetwork, tuple[int, Shape]]:
    """The network of a model, its number of classes and the shape of its pictures."""
    from nodegraph_nodes.ops.unet import UNetConfig

    config = UNetConfig.from_description(dict(model.config))
    network = StoredNetwork(("UNetMNIST", model.digest), partial(load_trained, model), store, origin=model)
    return network, (config.classes, (config.channels, config.size, config.size))


def knows_classes(model: Model) -> bool:
    """Whether the network was told classes when it was trained, as far as its metadata says."""
    return bool(json.loads(model.metadata.get("settings", "{}")).get("class_conditional", True))


def load_shipped() -> nn.Module:
    from nodegraph_nodes.ops.unet import build_unet, load_unet

    config, weights, _ = load_unet(SHIPPED)
    return build_unet(config, weights)


def load_trained(model: Model) -> nn.Module:
    from nodegraph_nodes.ops.unet import UNetConfig, build_unet

    return build_unet(UNetConfig.from_description(dict(model.config)), model.weights)
