"""The store of networks on a real GPU, where there is one: what is counted, what leaves, and what a full GPU does."""

import gc
import re

import pytest
import torch
from torch import nn
from toy_denoisers import LINEAR

from nodegraph import OutOfMemory, Resources
from nodegraph.plugins import load_plugins
from nodegraph_nodes.ops.devices import device_memory
from nodegraph_nodes.ops.evaluation import Evaluator
from nodegraph_nodes.ops.networks import NetworkDenoiser, StoredNetwork, module_bytes, moved

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")

GPU = "cuda:0"
MIB = 2**20


class Wide(nn.Module):
    """A network of 64 MiB whose activations take 32 MiB a row."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn((16, MIB), generator=generator), requires_grad=False)
        self.seen: list[int] = []

    def forward(self, x: torch.Tensor, t: int) -> torch.Tensor:
        self.seen.append(len(x))
        spread = x.flatten(1)[:, :1] * self.weight[0, : MIB // 2]  # 2 MiB a row
        kept = [spread * number for number in range(15)]  # 30 MiB a row
        return x + sum(part[:, :1, None, None] for part in kept)


@pytest.fixture(autouse=True)
def emptied():
    """Each test begins and ends with an empty GPU, as far as this process goes."""
    gc.collect()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated(0)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0, 0)
    gc.collect()
    assert torch.cuda.memory_allocated(0) == before


def capped(free: int) -> None:
    """Let this process have so many bytes more than it has now, and no more."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(0) + free) / total, 0)


def stored(store: Resources, seed: int) -> StoredNetwork:
    return StoredNetwork(("Wide", seed), lambda: Wide(seed), store)


def leaf(network: StoredNetwork) -> NetworkDenoiser:
    return NetworkDenoiser(network, {}, LINEAR)


def test_what_is_free_counts_what_torch_keeps_for_later():
    free, total = device_memory(GPU)
    held = torch.empty(256 * MIB, dtype=torch.uint8, device=GPU)
    assert free - device_memory(GPU)[0] >= 250 * MIB
    del held
    assert torch.cuda.memory_reserved(0) >= 256 * MIB
    assert abs(device_memory(GPU)[0] - free) < 32 * MIB
    device_memory(GPU, tidy=True)
    assert torch.cuda.memory_reserved(0) < 32 * MIB
    assert load_plugins(only=["nodegraph"]).memory(GPU).total == total


def test_networks_take_turns_and_come_back_the_same():
    store = Resources({"cuda": 100 * MIB}, load_plugins(only=["nodegraph"]).memory)
    x = torch.randn((2, 1, 4, 4), device=GPU)
    with torch.no_grad():
        first = leaf(stored(store, 1)).estimate(x, 5).noise
        leaf(stored(store, 2)).estimate(x, 5)
        assert (store.held_on(GPU), store.held_on("cpu")) == (64 * MIB, 64 * MIB)
        assert 64 * MIB <= torch.cuda.memory_allocated(0) < 66 * MIB
        assert torch.equal(leaf(stored(store, 1)).estimate(x, 5).noise, first)
    store.clear()
    assert torch.cuda.memory_reserved(0) < 32 * MIB


def test_a_full_gpu_makes_room_then_halves_and_answers_as_the_whole():
    store = Resources({"cuda": 10**12}, load_plugins(only=["nodegraph"]).memory)
    x = torch.randn((16, 1, 4, 4), device=GPU)
    with torch.no_grad():
        whole = leaf(stored(store, 1)).estimate(x, 5).noise
        leaf(stored(store, 2)).estimate(x[:1], 5)
        capped(96 * MIB)  # with the 64 of the other network enough for four rows, and not for eight
        store.get(("Wide", 1), Wide).seen.clear()
        evaluator = Evaluator()
        halved = evaluator.estimate(leaf(stored(store, 1)), x, 5).noise
        seen = store.get(("Wide", 1), Wide).seen
        assert store.held_on("cpu") == 64 * MIB, "the other network has left"
        assert seen[0] == 16 and max(seen[-evaluator.forwards :]) <= 4 and evaluator.rows == 16
        torch.testing.assert_close(halved, whole)
    store.clear()


def test_a_picture_that_never_fits_is_told_and_leaves_nothing_behind():
    store = Resources({"cuda": 10**12}, load_plugins(only=["nodegraph"]).memory)
    x = torch.randn((4, 1, 4, 4), device=GPU)
    with torch.no_grad():
        store.get(("Wide", 1), Wide, module_bytes, moved, GPU)
        before = torch.cuda.memory_allocated(0)
        capped(4 * MIB)
        with pytest.raises(OutOfMemory) as caught:
            Evaluator().estimate(leaf(stored(store, 1)), x, 5)
        assert torch.cuda.memory_allocated(0) == before
    told = str(caught.value)
    words = r"cuda:0 has no memory for one picture of \[1, 4, 4\] in this network, where [\d.]+ MiB more were asked"
    assert re.match(words, told)
    assert "of networks it holds Wide (64 MiB)" in told and len(caught.value.__notes__) == 3
    store.clear()


def test_a_network_that_does_not_fit_goes_back_whole():
    store = Resources({"cuda": 10**12}, load_plugins(only=["nodegraph"]).memory)
    capped(32 * MIB)
    with pytest.raises(OutOfMemory, match="cuda:0 has no memory for Wide, which takes 64 MiB"):
        store.get(("Wide", 1), Wide, module_bytes, moved, GPU)
    network = store.get(("Wide", 1), lambda: None)
    assert {str(weight.device) for weight in network.parameters()} == {"cpu"}
    assert torch.equal(network.weight, Wide(0).weight)
