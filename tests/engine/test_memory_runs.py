"""Whole runs on a device that is made up: budgets of the session, networks that nodes share, and words for failures."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import toys
from cli_calls import call, graph_file
from fake_devices import Machine, Network, OutOfMemoryError, size_of

from nodegraph import Context, DeviceMemory, Graph, Registry, Resources, RunFailed, Session, UsageError, node, run
from nodegraph.cli import run as cli_run
from nodegraph.events import NodeFailed
from nodegraph.plugins import load_plugins

GPU = "gpu:0"
MIB = 2**20


class Plugin:
    """A plugin whose nodes compute with networks on a machine that is made up."""

    __name__ = "toy-gpu"

    def __init__(self, machine: Machine) -> None:
        from nodegraph import hookimpl

        @node("Forward", category="Toys", outputs="rows", cache="none")
        def forward(context: Context, name: str, size: int = 10, rows: int = 1, each: int = 1, after: int = 0) -> int:
            """Ask a network on the device of the run."""
            given = (name, machine.maker(name, size * MIB), size_of, Network.to, context.device)
            with context.resources.use(*given) as network:
                return network.forward(rows, each * MIB)

        self.nodegraph_node_types = hookimpl(specname="nodegraph_node_types")(lambda: [forward])
        self.nodegraph_device = hookimpl(specname="nodegraph_device")(lambda name: GPU if name == "auto" else None)
        self.nodegraph_memory = hookimpl(specname="nodegraph_memory")(lambda device, tidy: machine.memory(device, tidy))


def session_on(machine: Machine, **given: Any) -> Session:
    registry = load_plugins(only=(), extra=[Plugin(machine)])
    assert registry.problems == ()
    return Session(registry, **given)


def chain(**sizes: Any) -> Graph:
    """Nodes that ask one network each, one after the other."""
    graph, before = Graph(), ""
    for name, inputs in sizes.items():
        inputs = inputs if isinstance(inputs, Mapping) else {"size": inputs}
        graph = graph.add(name, "Forward", name=name.rstrip("0123456789"), **inputs)
        if before:
            graph = graph.connect(f"{before}.rows -> {name}.after")
        before = name
    return graph


def test_three_networks_take_turns_on_a_gpu_that_holds_two() -> None:
    machine = Machine(cpu=1000 * MIB, gpu_0=400 * MIB)
    with session_on(machine, memory={"gpu": "20 MiB", "cpu": "1 GiB"}) as session:
        session.run(chain(a=10, b=10, a2=10, c=10))
        assert machine.events() == [
            "a: made", "a: cpu -> gpu:0", "a: 1 rows", "b: made", "b: cpu -> gpu:0", "b: 1 rows", "a: 1 rows",
            "c: made", "b: gpu:0 -> cpu", "c: cpu -> gpu:0", "c: 1 rows",
        ]  # fmt: skip
        assert machine.used == {"cpu": 10 * MIB, GPU: 20 * MIB}
        session.run(chain(b=10))  # a later run in the session: it is still here
        assert machine.events() == ["a: gpu:0 -> cpu", "b: cpu -> gpu:0", "b: 1 rows"]
    assert machine.used == {"cpu": 0, GPU: 0}


def test_without_a_budget_what_is_free_less_an_eighth_decides() -> None:
    machine = Machine(cpu=1000 * MIB, gpu_0=40 * MIB)
    session_on(machine).run(chain(a=15, b=15, c=15))
    assert [line for line in machine.events() if "->" in line] == [
        "a: cpu -> gpu:0", "b: cpu -> gpu:0", "a: gpu:0 -> cpu", "c: cpu -> gpu:0",
    ]  # fmt: skip


def test_a_network_that_is_too_large_fails_its_node_in_words_and_the_next_goes_on() -> None:
    machine = Machine(cpu=10_000 * MIB, gpu_0=800 * MIB)
    graph = chain(small=100, huge=900).add("other", "Forward", name="small", size=100)
    events: list[Any] = []
    with pytest.raises(RunFailed) as caught:
        session_on(machine).run(graph, emit=events.append)
    assert caught.value.result.failed == {
        "huge": "gpu:0 has no memory for huge, which takes 900 MiB, where 450 MiB more were asked for; "
        "800 MiB of 800 MiB are free, and of networks it holds none; "
        "choose a smaller network, or a dtype of half the size; run it on the processor, with --device cpu; "
        "or close what else uses gpu:0"
    }
    assert caught.value.result["other"] == 4
    (failed,) = (event for event in events if isinstance(event, NodeFailed))
    assert (failed.node, failed.input) == ("huge", None)


def test_what_runs_out_of_memory_on_its_own_is_told_the_same_way(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "nodegraph")  # a record that pytest keeps would keep the memory, too
    machine = Machine(cpu=10_000 * MIB, gpu_0=800 * MIB)
    session = session_on(machine)
    with pytest.raises(RunFailed) as caught:
        session.run(chain(net={"size": 100, "rows": 8, "each": 25}))
    assert caught.value.result.failed == {
        "net": "gpu:0 has no memory for what this node does, where 200 MiB more were asked for; "
        "700 MiB of 800 MiB are free, and of networks it holds net (100 MiB); "
        "make the picture or the batch smaller; choose a smaller network, or a dtype of half the size; "
        "or run it on the processor, with --device cpu"
    }
    assert machine.used[GPU] == 100 * MIB
    session.run(chain(net={"size": 100, "rows": 4, "each": 25}))


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (MemoryError(), "cpu"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"),
            "cpu",
        ),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 99 bytes"), GPU),
        (MemoryError("CUDA out of memory. Tried to allocate 99 bytes"), GPU),
    ],
    ids=repr,
)
def test_the_place_that_is_full_is_named(error: Exception, place: str) -> None:
    @node("Greedy", category="Toys", outputs="value")
    def greedy(context: Context) -> int:
        """Want too much."""
        assert context.device == GPU
        raise error

    registry = Registry([greedy])
    registry.add_device_namer("toys", lambda name: GPU)
    with pytest.raises(RunFailed) as caught:
        run(Graph().add("g", "Greedy"), registry=registry)
    told = caught.value.result.failed["g"]
    assert told.startswith(f"{place} has no memory for what this node does")
    assert ("99 bytes" in told) == ("99" in str(error))
    assert len(told.split("; ")) == 5, "what, what there is, and three ways out"


# Saying how much


def test_the_memory_of_a_session_is_said_once() -> None:
    registry = toys.make_registry()
    assert Session(registry, memory="2 KB").resources.limit_bytes == 2000
    assert Session(registry, memory={"cuda": "1 MiB"}).resources.limit("cuda:0") == MIB
    assert Session(registry).resources.limit_bytes is None
    with pytest.raises(UsageError, match="memory is 'lots', must be bytes"):
        Session(registry, memory="lots")
    with pytest.raises(UsageError, match="memory is said, and resources too"):
        Session(registry, memory=5, resources=Resources())


@pytest.mark.parametrize(
    ("given", "memory"),
    [([], None), (["6GB"], 6 * 10**9), (["cuda=1KB", "cpu=2 KiB"], {"cuda": "1KB", "cpu": "2 KiB"})],
)
def test_the_command_line_says_it_too(
    given: list[str], memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Any] = []
    monkeypatch.setattr(cli_run, "run_graph", lambda *_, memory, **__: said.append(memory) or 0)
    monkeypatch.setattr("nodegraph.plugins.load_plugins", toys.make_registry)
    file = graph_file(tmp_path / "g.json", {"n": ["Number", {"value": 3}]})
    result = call("run", file, *[part for text in given for part in ("--memory", text)])
    assert (result.exit_code, said) == (0, [memory]), result.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["much"], "memory is 'much', must be bytes"),
        (["6GB", "cpu=6GB"], "memory has '6GB' among others, each must be DEVICE=SIZE"),
        (["cpu=lots"], "memory is 'lots', must be bytes"),
        (["GPU=6GB"], "memory is 'GPU=6GB', must be bytes"),
        (["gpu=6GB"], "memory has 'gpu', must be a device: cpu, mps, cuda"),
        (["cuda=6GB", "cdua:1=6GB"], "memory has 'cdua:1', must be a device"),
        (["cpu:0=6GB"], "memory has 'cpu:0', must be a device"),
        (["cpu=6GB", "cpu=7GB"], "memory has cpu twice, leave one out"),
        (["9" * 400 + "GB"], "must be bytes, or a text such as '6GB'"),
    ],
)
@pytest.mark.parametrize("command", ["run", "worker"])
def test_a_memory_that_is_none_is_refused(command: str, given: list[str], told: str) -> None:
    result = call(command, *[part for text in given for part in ("--memory", text)])
    assert result.exit_code == 2 and told in result.stderr


# The hook


def test_the_first_plugin_that_knows_a_device_tells_of_it() -> None:
    registry, asked = Registry(), list[tuple[str, str, bool]]()

    def teller(name: str, told: Any) -> Any:
        def tell(device: str, tidy: bool) -> Any:
            asked.append((name, device, tidy))
            if isinstance(told, Exception):
                raise told
            return told

        return tell

    for name, told in (
        ("a", None), ("b", RuntimeError("oh")), ("c", 3), ("d", DeviceMemory(1, 2)), ("e", DeviceMemory(3, 4)),
    ):  # fmt: skip
        registry.add_memory_teller(name, teller(name, told))
    assert registry.memory("gpu:0") == (1, 2)
    assert [name for name, *_ in asked] == ["a", "b", "c", "d"]
    asked.clear()
    assert registry.memory("gpu:0", tidy=True) == (1, 2)
    assert asked == [(name, "gpu:0", True) for name in "abcde"], "each gives back what it keeps"
    assert registry.problems == (
        "b: nodegraph_memory failed: RuntimeError: oh",
        "c: nodegraph_memory returned 3, must be a DeviceMemory",
    )
