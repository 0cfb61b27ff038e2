"""Budgets of devices: who leaves, in what order and where to, counted byte by byte on devices that are made up."""

import gc
import sys
import threading
from contextlib import ExitStack, suppress

import pytest
from fake_devices import Machine, Network, size_of
from hypothesis import given, settings
from hypothesis import strategies as st

from nodegraph.errors import OutOfMemory
from nodegraph.memory import Budgets, DeviceMemory
from nodegraph.resources import Resources

GPU = "gpu:0"
ROOMY = 10_000


class Desk:
    """A machine, its store, and short words for asking it."""

    def __init__(self, cpu: int = ROOMY, gpu: int = ROOMY, limits: Budgets = None, told: bool = True) -> None:
        self.machine = Machine(cpu=cpu, gpu_0=gpu)
        self.store = Resources(limits, self.machine.memory) if told else Resources(limits)

    def get(self, name: str, size: int = 10, device: str = GPU) -> None:
        """Ask, and keep no reference."""
        self.store.get(name, self.machine.maker(name, size), size_of, Network.to, device)

    def use(self, name: str, size: int = 10, device: str = GPU):  # type: ignore[no-untyped-def]
        return self.store.use(name, self.machine.maker(name, size), size_of, Network.to, device)

    def where(self) -> dict[str, str]:
        return {str(key): entry.device for key, entry in self.store._entries.items()}

    def check(self) -> None:
        """What the store says it holds is what the devices count."""
        assert {device: self.store.held_on(device) for device in self.machine.used} == self.machine.used


# Who leaves, and where to


def test_the_least_recently_used_goes_from_the_gpu_to_the_processor() -> None:
    desk = Desk(limits={"gpu": 30, "cpu": 100})
    for name in "abc":
        desk.get(name)
    desk.get("a")
    desk.machine.events()
    desk.get("d")
    assert desk.machine.events() == ["d: made", "b: gpu:0 -> cpu", "d: cpu -> gpu:0"]
    assert desk.where() == {"b": "cpu", "c": GPU, "a": GPU, "d": GPU}
    desk.get("b")  # comes back without being made again
    assert desk.machine.events() == ["c: gpu:0 -> cpu", "b: cpu -> gpu:0"]
    assert desk.machine.most[GPU] == 30, "room is made before anything is moved"
    desk.check()


def test_as_many_leave_as_have_to_and_no_more() -> None:
    desk = Desk(limits={GPU: 100, "cpu": 1000})
    for name, size in (("a", 10), ("b", 20), ("c", 30), ("d", 40)):
        desk.get(name, size)
    desk.machine.events()
    desk.get("e", 25)
    assert desk.machine.events() == ["e: made", "a: gpu:0 -> cpu", "b: gpu:0 -> cpu", "e: cpu -> gpu:0"]
    desk.check()


def test_where_the_processor_has_no_room_it_is_dropped() -> None:
    desk = Desk(limits={"gpu": 10, "cpu": 5})
    desk.get("a")
    desk.machine.events()
    desk.get("b")
    assert desk.machine.events() == ["b: made", "a: dropped from gpu:0", "b: cpu -> gpu:0"]
    desk.get("a")
    assert desk.machine.events() == ["a: made", "b: dropped from gpu:0", "a: cpu -> gpu:0"]
    desk.check()


def test_on_the_processor_what_was_used_longer_ago_gives_way_and_nothing_newer() -> None:
    desk = Desk(limits={"gpu": 30, "cpu": 55})
    desk.get("old", 20, "cpu")
    desk.get("a", 20)
    desk.get("new", 20, "cpu")
    desk.machine.events()
    desk.get("b", 15)  # old + new + b + a are too much for the processor
    assert desk.machine.events() == ["b: made", "old: dropped from cpu", "a: gpu:0 -> cpu", "b: cpu -> gpu:0"]
    desk.get("b", 15)
    desk.get("a", 20, "cpu")
    desk.get("new", 20, "cpu")
    desk.machine.events()
    desk.get("c", 30)  # b is older than both: it goes for good, and they stay
    assert desk.machine.events() == ["c: made", "b: dropped from gpu:0", "c: cpu -> gpu:0"]
    desk.check()


def test_what_is_made_and_stays_on_the_processor_pushes_out_the_oldest_there() -> None:
    desk = Desk(limits={"cpu": 25})
    for name in "abc":
        desk.get(name, device="cpu")
    assert desk.where() == {"b": "cpu", "c": "cpu"}
    desk.machine.events()
    desk.get("a", device="cpu")  # its size is known by now: room is made before it is made
    assert desk.machine.events() == ["b: dropped from cpu", "a: made"]


def test_a_size_that_is_told_makes_room_before_anything_is_made() -> None:
    desk = Desk(limits={"cpu": 25})
    for name in "ab":
        desk.get(name, device="cpu")
    desk.machine.events()
    desk.store.get("c", desk.machine.maker("c", 20), size_of, Network.to, need=lambda: 20)
    assert desk.machine.events() == ["a: dropped from cpu", "b: dropped from cpu", "c: made"]
    assert desk.machine.most["cpu"] == 20


def test_one_value_may_be_larger_than_a_budget_and_is_alone_then() -> None:
    desk = Desk(limits={"gpu": 30, "cpu": 1000})
    desk.get("a")
    desk.get("huge", 500)
    assert desk.where() == {"a": "cpu", "huge": GPU}
    desk.get("a")
    assert desk.where() == {"huge": "cpu", "a": GPU}


def test_a_budget_for_one_device_goes_before_that_for_its_kind() -> None:
    store = Resources({"cuda": 10, "cuda:1": 20})
    assert [store.limit(device) for device in ("cuda:0", "cuda:1", "cpu")] == [10, 20, None]
    assert Resources(7).limit("anything") == 7


def test_without_a_budget_it_is_what_is_free_less_an_eighth() -> None:
    desk = Desk(gpu=80)
    for name in "abcdefg":
        desk.get(name)
    assert set(desk.where().values()) == {GPU}, "seven eighths are full now"
    desk.get("h")
    assert desk.where()["a"] == "cpu" and desk.machine.used[GPU] == 70
    desk.machine.take(GPU, 10)  # another program takes some
    desk.get("i")
    assert list(desk.where().values()).count(GPU) == 6
    assert desk.machine.used[GPU] == 70
    desk.machine.give(GPU, 10)
    desk.check()


def test_nothing_is_pushed_out_of_a_device_that_nobody_knows() -> None:
    desk = Desk(told=False)
    for number in range(50):
        desk.get(str(number), 100)
    assert set(desk.where().values()) == {GPU}


def test_what_has_no_way_elsewhere_is_dropped_and_what_has_no_size_stays() -> None:
    desk = Desk(limits={GPU: 20})
    desk.store.get("fixed", desk.machine.maker("fixed"), size_of, device=GPU)
    desk.store.get("sizeless", lambda: "tokenizer", device=GPU)
    desk.get("a", 20)
    assert set(desk.where()) == {"sizeless", "a"}


def test_clear_drops_all_and_has_the_devices_tidied() -> None:
    desk = Desk()
    desk.get("a")
    desk.get("b", device="cpu")
    desk.store.clear()
    assert desk.machine.used == {"cpu": 0, GPU: 0} and desk.machine.tidied == [GPU]


# Running out


def test_a_full_device_is_emptied_and_the_move_tried_again() -> None:
    desk = Desk(gpu=35, limits=1000)
    for name in "abc":
        desk.get(name)
    desk.machine.events()
    desk.get("d")
    assert desk.machine.events() == [
        "d: made", "gpu:0 is full", "d: back to cpu", "a: gpu:0 -> cpu", "b: gpu:0 -> cpu", "c: gpu:0 -> cpu",
        "d: cpu -> gpu:0",
    ]  # fmt: skip
    assert GPU in desk.machine.tidied
    desk.check()


def test_one_that_is_too_large_is_told_and_stays_where_it_was() -> None:
    desk = Desk(gpu=4 * 2**30, cpu=2**40, limits=2**40)
    desk.get("kept", 2**30)
    with desk.use("UNet", 3 * 2**30), pytest.raises(OutOfMemory) as caught:
        desk.get("T5", 9 * 2**30)
    assert str(caught.value) == (
        "gpu:0 has no memory for T5, which takes 9.0 GiB, where 4.5 GiB more were asked for; "
        "1.0 GiB of 4.0 GiB are free, and of networks it holds UNet (3.0 GiB)"
    )
    assert caught.value.__notes__ == [
        "choose a smaller network, or a dtype of half the size",
        "run it on the processor, with --device cpu",
        "or close what else uses gpu:0",
    ]
    assert desk.where() == {"kept": "cpu", "UNet": GPU, "T5": "cpu"}
    del caught
    desk.check()


def test_a_processor_that_is_full_when_something_is_made() -> None:
    desk = Desk(cpu=25, limits=1000)
    for name in "ab":
        desk.get(name, device="cpu")
    desk.machine.events()
    desk.get("c", 20, "cpu")
    assert desk.machine.events() == ["cpu is full", "a: dropped from cpu", "b: dropped from cpu", "c: made"]
    with pytest.raises(OutOfMemory, match="for d, where 13 bytes more were asked for; 25 bytes of 25 bytes are free"):
        desk.get("d", 26, "cpu")
    desk.check()


def test_a_processor_that_is_full_makes_what_leaves_a_gpu_go_for_good() -> None:
    desk = Desk(cpu=15, limits={GPU: 10, "cpu": 1000})  # the budget says more than there is
    desk.get("a")
    desk.machine.events()
    desk.get("b")
    assert desk.machine.events() == ["b: made", "cpu is full", "a: dropped from cpu and gpu:0", "b: cpu -> gpu:0"]
    desk.check()


def test_no_traceback_of_a_failure_keeps_memory() -> None:
    """Garbage collection is off: what is free is free since nothing refers to it."""
    desk = Desk(gpu=60, limits=1000)
    gc.disable()
    try:
        with desk.use("a", 20) as network:
            for _ in range(3):
                with suppress(RuntimeError):
                    network.forward(rows=4, each=4)
                assert desk.machine.used[GPU] == 20
            del network
        for _ in range(2):
            with suppress(OutOfMemory):
                desk.get("b", 100)
            assert desk.machine.used == {"cpu": 120, GPU: 0}
    finally:
        gc.enable()


def test_an_interrupt_while_something_leaves_hangs_nobody() -> None:
    desk = Desk(limits={"gpu": 10, "cpu": 1000})

    class Interrupted(Network):
        def to(self, device: str) -> Network:
            if device == "cpu" and self.device == GPU:
                raise KeyboardInterrupt
            return super().to(device)

    desk.store.get("a", lambda: Interrupted(desk.machine, "a", 10), size_of, Interrupted.to, GPU)
    with pytest.raises(KeyboardInterrupt):
        desk.get("b")
    assert desk.where() == {"b": "cpu"}
    desk.get("a")
    desk.get("b")
    assert desk.where() == {"a": "cpu", "b": GPU}
    desk.check()


def test_making_room_says_how_much_it_was() -> None:
    desk = Desk()
    for name in "abcd":
        desk.get(name)
    desk.get("e", device="cpu")
    assert desk.store.make_room(15, GPU) == 20
    assert desk.where() == {"a": "cpu", "b": "cpu", "c": GPU, "d": GPU, "e": "cpu"}
    assert desk.store.make_room(None, GPU) == 20
    assert desk.store.make_room() == 50 and len(desk.store) == 0
    assert desk.store.make_room(None, GPU) == 0


def test_what_the_device_kept_for_nothing_counts_as_room() -> None:
    class Hoarder(Machine):
        kept = 30

        def memory(self, device: str, tidy: bool = False) -> DeviceMemory | None:
            if tidy:
                self.kept = 0
            told = super().memory(device, tidy)
            return told and told._replace(free=told.free - self.kept)

    machine = Hoarder(cpu=100, gpu_0=100)
    assert Resources(1000, machine.memory).make_room(None, GPU) == 30


# In use


def test_what_is_in_use_stays() -> None:
    desk = Desk(limits={"gpu": 10, "cpu": 100})
    with desk.use("a") as network:
        desk.get("b")
        assert desk.where() == {"a": GPU, "b": GPU}, "more than the budget, since nothing can leave"
        assert desk.store.make_room(None, GPU) == 10
        assert network.device == GPU and desk.where()["b"] == "cpu"
        with desk.use("a") as same:
            assert same is network
        desk.store.make_room(None, GPU)
        assert network.device == GPU, "the outer block has not ended"
    desk.get("b")
    assert desk.where() == {"a": "cpu", "b": GPU}


def test_within_its_own_block_a_value_cannot_be_asked_for_elsewhere() -> None:
    desk = Desk()
    with desk.use("a"), pytest.raises(RuntimeError, match="a is in use on gpu:0, so it cannot go to cpu"):
        desk.get("a", device="cpu")


def test_another_thread_that_wants_it_elsewhere_waits() -> None:
    desk = Desk()
    began, moved = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        desk.get("a", device="cpu")
        moved.set()

    with desk.use("a") as network:
        thread = threading.Thread(target=work)
        thread.start()
        assert began.wait(5) and not moved.wait(0.05)
        assert network.device == GPU
        assert network.forward(2, 3) == 8
    thread.join(5)
    assert moved.is_set() and network.device == "cpu"


def test_two_threads_whose_networks_do_not_fit_together_take_turns() -> None:
    """Each computes many times; whoever comes finds its network whole, on the GPU, until its block ends."""
    desk = Desk(gpu=48, limits={"gpu": 25, "cpu": 1000})  # both, each with what it computes
    wrong: list[BaseException] = []
    done: list[str] = []

    def work(name: str) -> None:
        try:
            for _ in range(200):
                with desk.use(name, 20) as network:
                    assert network.device == GPU
                    network.forward(1, 1)
                    assert network.device == GPU
                del network
            done.append(name)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # so that they get in between each other's steps
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(before)
    assert wrong == [] and sorted(done) == ["a", "b"]
    assert desk.machine.log.count("a: made") == desk.machine.log.count("b: made") == 1
    desk.check()


def test_two_threads_that_arrive_at_once_make_room_for_both() -> None:
    desk = Desk(limits={"gpu": 40, "cpu": 1000})
    desk.get("old", 20)
    gate = threading.Barrier(2, timeout=5)

    def work(name: str) -> None:
        def make() -> Network:
            gate.wait()
            return Network(desk.machine, name, 20)

        desk.store.get(name, make, size_of, Network.to, GPU)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert desk.where() == {"old": "cpu", "a": GPU, "b": GPU} and desk.machine.used[GPU] == 40


def test_a_value_that_leaves_meanwhile_is_waited_for_and_not_made_again() -> None:
    desk = Desk(limits={"gpu": 10, "cpu": 1000})
    leaving, go = threading.Event(), threading.Event()

    class Slow(Network):
        def to(self, device: str) -> Network:
            if device == "cpu" and self.device == GPU:
                leaving.set()
                assert go.wait(5)
            return super().to(device)

    desk.store.get("slow", lambda: Slow(desk.machine, "slow", 10), size_of, Network.to, GPU)
    slow = next(iter(desk.store._entries.values())).value
    desk.store._entries["slow"].move = Slow.to
    pusher = threading.Thread(target=desk.get, args=("b",))
    pusher.start()
    assert leaving.wait(5)
    found: list[Network] = []
    asker = threading.Thread(
        target=lambda: found.append(desk.store.get("slow", desk.machine.maker("other"), size_of, Slow.to, "cpu"))
    )
    asker.start()
    asker.join(0.05)
    assert found == []
    go.set()
    pusher.join(5)
    asker.join(5)
    assert found == [slow] and slow.device == "cpu"


# Whatever is asked for

SIZES = {"a": 5, "b": 10, "c": 15, "d": 20, "e": 45, "f": 1}
ASKING = st.tuples(
    st.sampled_from(["get", "use", "end"]), st.sampled_from(sorted(SIZES)), st.sampled_from(["cpu", GPU])
)


@given(st.lists(ASKING, max_size=30), st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=150, deadline=None)
def test_budgets_hold_the_oldest_leave_and_values_stay_what_they_are(
    asked: list[tuple[str, str, str]], cpu: int, gpu: int
) -> None:
    desk = Desk(limits={"cpu": cpu, GPU: gpu})
    store = desk.store
    blocks: dict[str, ExitStack] = {}
    used: list[str] = []  # those asked for last at the end

    def make(name: str) -> Network:
        assert name not in store
        return Network(desk.machine, name, SIZES[name])

    for what, name, device in asked:
        before = desk.where()
        if what == "end":
            if name in blocks:
                blocks.pop(name).close()
                desk.check()
            continue
        if name in blocks:
            continue  # its thread cannot have it elsewhere
        given = (name, lambda name=name: make(name), size_of, Network.to, device)
        if what == "get":
            value = store.get(*given)
        else:
            blocks[name] = ExitStack()
            value = blocks[name].enter_context(store.use(*given))
        assert (value.name, value.size, set(value.places)) == (name, SIZES[name], {device})
        del value
        used = [other for other in used if other != name] + [name]
        after = desk.where()
        assert after[name] == device and list(after) == [other for other in used if other in after]
        for place, limit in (("cpu", cpu), (GPU, gpu)):
            idle = [other for other, at in after.items() if at == place and other not in blocks]
            assert store.held_on(place) <= limit or len(idle) <= 1, "over its budget, though something could leave"
            there = [other for other, at in before.items() if at == place and other != name and other not in blocks]
            left = [other for other in there if after.get(other) != place]
            assert left == sorted(there, key=used.index)[: len(left)], "someone left before an older one"
        assert all(before[other] == after.get(other) for other in blocks if other in before and other != name)
        desk.check()
    for block in blocks.values():
        block.close()
    store.clear()
    assert desk.machine.used == {"cpu": 0, GPU: 0}
