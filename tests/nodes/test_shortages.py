"""Out of memory: room is made, the batch halved, and what fails in the end is told; on a device that counts bytes."""

import gc
import threading

import pytest
import torch
from fake_devices import Machine, Network
from torch import nn
from toy_denoisers import LINEAR

from nodegraph import Context, Graph, OutOfMemory, Registry, Resources, RunFailed, Session, node
from nodegraph_nodes.ops.denoisers import CFGCombine
from nodegraph_nodes.ops.evaluation import Evaluator
from nodegraph_nodes.ops.networks import NetworkDenoiser, StoredNetwork
from nodegraph_nodes.ops.shortages import Shortage, attempt, with_room

GPU = "meta"  # torch's device for tensors without content: all that a fake GPU needs
KIB = 1024
EACH = KIB  # what a row takes in each of the four layers of a network


class Counted(nn.Module):
    """A network whose bytes are counted by a machine that is made up."""

    def __init__(self, machine: Machine, name: str, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size, dtype=torch.uint8, device="meta"), requires_grad=False)
        self.counted = Network(machine, name, size)

    def to(self, device: str, **how: object) -> "Counted":
        self.counted.to(device)
        return self

    def forward(self, x: torch.Tensor, t: int, label: torch.Tensor) -> torch.Tensor:
        assert str(x.device) == str(label.device) == self.counted.device
        self.counted.forward(len(x), EACH)
        return torch.sin(3 * x) + label.to(x)[:, None, None, None] * t / 1000


def stored(machine: Machine, store: Resources, name: str, size: int = 10 * KIB) -> StoredNetwork:
    return StoredNetwork((name, 1), lambda: Counted(machine, name, size), store)


def leaf(network: StoredNetwork, *labels: int) -> NetworkDenoiser:
    return NetworkDenoiser(network, {"label": torch.tensor(labels)}, LINEAR)


@pytest.fixture
def machine() -> Machine:
    return Machine(cpu=1000 * KIB, meta=50 * KIB)


def registry_on(machine: Machine) -> Registry:
    @node("Ask", category="Toys", outputs="forwards", cache="none")
    def ask(context: Context, name: str, size: int = 10, rows: int = 1, steps: int = 1, after: int = 0) -> int:
        """Ask a network, guided, some steps long."""
        network = stored(machine, context.resources, name, size * KIB)
        denoiser = CFGCombine(leaf(network, 3), leaf(network, 10), 2.0)
        evaluator = Evaluator()
        for step in range(steps):
            evaluator.estimate(denoiser, torch.zeros((rows, 1, 2, 3), device=context.device), 500 - step, step)
        return evaluator.forwards

    registry = Registry([ask])
    registry.add_device_namer("toys", lambda name: GPU)
    registry.add_memory_teller("toys", machine.memory)
    return registry


def graph(**sizes: int) -> Graph:
    """One node for each network, one after the other."""
    made, before = Graph(), ""
    for name, size in sizes.items():
        made = made.add(name, "Ask", name=name, size=size)
        made = made.connect(f"{before}.forwards -> {name}.after") if before else made
        before = name
    return made


# Runs on a device that counts


def test_room_is_made_first_and_the_batch_stays_whole_if_that_is_enough(machine):
    session = Session(registry_on(machine), memory={GPU: "1 MiB"})
    session.run(graph(a=10, b=10))
    machine.events()
    # 2 x 4 rows in four layers are 32 KiB, beside the network of 10: one of the two others has to go, and all do
    assert session.run(graph(c=10).set("c", rows=4))["c"] == 1
    assert machine.events() == [
        "c: made", "c: cpu -> meta", "meta is full", "a: meta -> cpu", "b: meta -> cpu", "c: 8 rows",
    ]  # fmt: skip
    assert machine.used == {"cpu": 20 * KIB, GPU: 10 * KIB}


def test_then_the_batch_is_halved_until_it_fits_and_stays_so(machine):
    session = Session(registry_on(machine))
    # 10 are the network's: 40 are left, so that ten rows fit, and sixteen do not
    assert session.run(graph(a=10).set("a", rows=8, steps=2))["a"] == 4
    assert machine.events() == [
        "a: made", "a: cpu -> meta", "meta is full", "a: 8 rows", "a: 8 rows", "a: 8 rows", "a: 8 rows",
    ]  # fmt: skip
    assert machine.used[GPU] == 10 * KIB


@pytest.mark.parametrize(
    ("size", "rows", "forwards"), [(10, 5, [10]), (30, 5, [5, 5]), (36, 4, [2] * 4), (46, 3, [1] * 6)]
)
def test_what_fits_decides_how_often_it_is_halved(machine, size, rows, forwards):
    session = Session(registry_on(machine))
    session.run(graph(a=size).set("a", rows=rows))
    assert [line for line in machine.events() if "rows" in line] == [f"a: {count} rows" for count in forwards]


def test_a_picture_that_never_fits_fails_its_node_with_the_need_and_three_ways_out(machine):
    with pytest.raises(RunFailed) as caught:
        Session(registry_on(machine)).run(graph(a=5, huge=48).set("huge", rows=2))
    assert caught.value.result.failed == {
        "huge": "meta has no memory for one picture of [1, 2, 3] in this network, where 1.0 KiB more were asked for; "
        "2.0 KiB of 50 KiB are free, and of networks it holds huge (48 KiB); make the picture smaller; "
        "choose a smaller network, or a dtype of half the size; or run it on the processor, with --device cpu"
    }
    assert [line for line in machine.events() if "full" in line] == ["meta is full"] * 3, "for 4, 2 and 1 rows"


def test_a_network_that_is_too_large_is_loaded_once_and_no_batch_is_halved_for_it(machine):
    with pytest.raises(RunFailed, match="huge: meta has no memory for huge, which takes 60 KiB") as caught:
        Session(registry_on(machine)).run(graph(huge=60).set("huge", rows=8))
    assert caught.value.result.failed["huge"].count("; ") == 4
    assert machine.events().count("huge: made") == 1


def test_networks_of_three_nodes_take_turns_within_the_budget(machine):
    session = Session(registry_on(machine), memory={GPU: 25 * KIB, "cpu": 12 * KIB})
    session.run(graph(a=10, b=10, c=10, d=20))
    lines = [line for line in machine.events() if "rows" not in line]
    assert lines == [
        "a: made", "a: cpu -> meta", "b: made", "b: cpu -> meta",
        "c: made", "a: dropped from meta", "c: cpu -> meta",  # c, just made, is where a would go
        "d: made", "b: dropped from meta", "c: dropped from meta", "d: cpu -> meta",
    ]  # fmt: skip
    assert machine.most[GPU] == 20 * KIB + 2 * 4 * EACH


def test_two_runs_at_once_do_not_take_networks_from_each_other(machine):
    """Each needs the whole budget: in turn, they push each other out, but never from under a forward pass."""
    session = Session(registry_on(machine), memory={GPU: 15 * KIB, "cpu": 1000 * KIB})
    wrong, done = [], []

    def work(name):
        try:
            done.append(session.run(graph(**{name: 10}).set(name, steps=50, rows=2))[name])
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == [] and len(done) == 2
    assert machine.log.count("a: made") == machine.log.count("b: made") == 1
    assert sum(int(line.split()[1]) for line in machine.log if line.endswith("rows")) == 2 * 50 * 4


# Values


def test_halves_answer_as_the_whole(machine):
    store = Resources(10**9, machine.memory)
    x = torch.randn((9, 1, 4, 4), generator=torch.Generator().manual_seed(1))

    def estimate(room: int) -> torch.Tensor:
        machine.capacity["cpu"] = 10 * KIB + room
        network = stored(machine, store, "net")
        denoiser = CFGCombine(leaf(network, 1, 2, 3), leaf(network, 10), 3.0)
        return Evaluator().estimate(denoiser, x, 700).noise

    whole = estimate(18 * 4 * EACH)
    assert machine.events()[-1] == "net: 18 rows"
    halved = estimate(4 * 4 * EACH)
    assert [int(line.split()[1]) for line in machine.events() if "rows" in line] == [3, 2, 3, 1, 3, 3, 3]
    assert torch.equal(halved, whole)


def test_a_failed_forward_leaves_nothing_behind(machine):
    """Garbage collection is off: what the failure had allocated is free since nobody keeps its traceback."""
    store = Resources(None, machine.memory)
    denoiser = leaf(stored(machine, store, "net", 48 * KIB), 1)
    gc.disable()
    try:
        with pytest.raises(OutOfMemory) as caught:
            Evaluator().estimate(denoiser, torch.zeros((4, 1, 2, 2), device=GPU), 5)
        assert machine.used[GPU] == 48 * KIB
        assert caught.value.__context__ is None and caught.value.__cause__ is None
    finally:
        gc.enable()


def test_trying_again():
    tries = []

    def call(error):
        tries.append(1)
        if len(tries) < 2:
            raise error
        return "done"

    full = torch.OutOfMemoryError("CUDA out of memory")
    assert with_room(lambda: call(full), lambda: 5) == "done"
    tries.clear()
    with pytest.raises(MemoryError, match="CUDA out of memory"):
        with_room(lambda: call(full), lambda: 0)
    assert tries == [1], "without more room the same would happen again"
    tries.clear()
    assert attempt(lambda: call(full)) == Shortage("CUDA out of memory")
    tries.clear()
    with pytest.raises(RuntimeError, match="mat1"):
        attempt(lambda: call(RuntimeError("mat1 and mat2")))


# What torch tells of a GPU


def test_what_is_free_on_a_gpu_counts_what_torch_keeps_for_later(monkeypatch):
    """With torch's own words for a GPU of 8 GiB; on a real one this is in `test_cuda_memory`."""
    from nodegraph_nodes.plugin import nodegraph_memory

    state = {"reserved": 3 * 2**30, "emptied": []}

    class Entered:
        def __init__(self, index):
            self.index = index

        def __enter__(self):
            state["inside"] = self.index

        def __exit__(self, *error):
            del state["inside"]

    def empty_cache():
        state["reserved"] = 2 * 2**30
        state["emptied"].append(state["inside"])

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device", Entered)
    monkeypatch.setattr(torch.cuda, "empty_cache", empty_cache)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (7 * 2**30 - state["reserved"], 8 * 2**30))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda index: state["reserved"])
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda index: 2 * 2**30)
    assert nodegraph_memory("cuda:1", False) == (5 * 2**30, 8 * 2**30) and state["emptied"] == []
    assert nodegraph_memory("cuda:1", True) == (5 * 2**30, 8 * 2**30) and state["emptied"] == [1]
    assert nodegraph_memory("cpu", True) is None and nodegraph_memory("tpu:0", False) is None


def test_what_loading_a_checkpoint_takes_is_known_from_its_headers(first):
    from nodegraph_nodes.ops.checkpoints import locate
    from nodegraph_nodes.ops.networks import module_bytes
    from nodegraph_nodes.ops.unets import load_unet

    found = locate(str(first), ["unet"])
    for dtype in (torch.float32, torch.bfloat16):
        assert found.loaded_bytes("unet", dtype.itemsize) == module_bytes(load_unet(found, dtype)) > 0
    assert found.loaded_bytes("vae", 4) == 0, "what is not there is told when it is loaded"


def test_room_for_a_checkpoint_is_made_before_it_is_read(first, machine, monkeypatch):
    from nodegraph_nodes.ops import deepfloyd
    from nodegraph_nodes.ops.checkpoints import locate

    found = locate(str(first), ["unet", "scheduler"])
    need = found.loaded_bytes("unet", 4)
    store = Resources({"cpu": need + 5 * KIB})
    store.get("old", lambda: Counted(machine, "old", 10 * KIB), lambda network: 10 * KIB)
    read = deepfloyd.load_unet

    def load(checkpoint, dtype):
        assert "old" not in store, "it has to leave before"
        return read(checkpoint, dtype)

    monkeypatch.setattr(deepfloyd, "load_unet", load)
    network = deepfloyd.stored(found, store, torch.float32)
    with store.use(network.key, network.make, need=network.need):
        pass
    assert machine.events() == ["old: made", "old: dropped from cpu"]
