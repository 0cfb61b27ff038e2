"""The store of networks: made once, moved, bounded, and safe from several threads."""

import threading
import time
from collections.abc import Callable

import pytest

from nodegraph.errors import OutOfMemory
from nodegraph.resources import Resources


class Network:
    """Stands for weights of some size on some device."""

    def __init__(self, size: int = 10, device: str = "cpu") -> None:
        self.size = size
        self.device = device

    def to(self, device: str) -> "Network":
        return Network(self.size, device)


def size_of(network: Network) -> int:
    return network.size


def maker(made: list[str], name: str, size: int = 10) -> Callable[[], Network]:
    def make() -> Network:
        made.append(name)
        return Network(size)

    return make


def test_a_value_is_made_once_and_shared() -> None:
    store, made = Resources(), list[str]()
    first = store.get("a", maker(made, "a"), size_of)
    assert store.get("a", maker(made, "a"), size_of) is first
    assert made == ["a"]
    assert "a" in store
    assert (len(store), store.held_bytes) == (1, 10)


def test_the_least_recently_used_leaves_first() -> None:
    store, made = Resources(30), list[str]()
    for name in "abc":
        store.get(name, maker(made, name), size_of)
    store.get("a", maker(made, "a"), size_of)
    store.get("d", maker(made, "d"), size_of)
    assert [name in store for name in "abcd"] == [True, False, True, True]
    assert store.held_bytes == 30


def test_one_value_may_be_larger_than_the_limit() -> None:
    store = Resources(5)
    big = store.get("big", lambda: Network(100), size_of)
    assert store.get("big", lambda: Network(1), size_of) is big


def test_a_value_is_moved_where_it_is_wanted_and_counts_once() -> None:
    store, made = Resources(), list[str]()

    def get(device: str) -> Network:
        return store.get("a", maker(made, "a"), size_of, move=Network.to, device=device)

    there = get("cuda:0")
    assert there.device == "cuda:0"
    assert get("cuda:0") is there
    assert get("cpu").device == "cpu"
    assert made == ["a"]
    assert (len(store), store.held_bytes) == (1, 10)


def test_release_make_room_and_clear() -> None:
    store = Resources(1000)
    for name in "abcd":
        store.get(name, Network, size_of)
    assert store.release("d")
    assert not store.release("d")
    assert store.make_room(15) == 20
    assert [name in store for name in "abc"] == [False, False, True]
    assert store.make_room(1000) == 10
    store.get("a", Network, size_of)
    store.clear()
    assert (len(store), store.held_bytes) == (0, 0)


def test_a_failure_is_raised_and_not_remembered() -> None:
    store = Resources()
    with pytest.raises(OSError, match="cut short"):
        store.get("a", lambda: (_ for _ in ()).throw(OSError("cut short")))
    assert store.get("a", lambda: 3) == 3


@pytest.mark.parametrize(
    "error", [MemoryError(), type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory")], ids=["host", "torch"]
)
def test_out_of_memory_lets_others_go_and_tries_once_more(error: Exception) -> None:
    store, tries = Resources(), list[int]()
    store.get("other", Network, size_of)

    def make() -> Network:
        tries.append(1)
        if "other" in store:
            raise error
        return Network()

    assert store.get("a", make, size_of).size == 10
    assert len(tries) == 2
    assert "other" not in store


def test_out_of_memory_with_nothing_to_let_go_is_raised() -> None:
    tries: list[int] = []

    def make() -> int:
        tries.append(1)
        raise MemoryError

    with pytest.raises(OutOfMemory, match="cpu has no memory for a; "):
        Resources().get("a", make)
    assert tries == [1], "the same would only happen again"


def test_threads_make_one_value_once_and_others_meanwhile() -> None:
    store, made, values = Resources(), list[str](), list[Network]()
    entered, go = threading.Event(), threading.Event()

    def slow() -> Network:
        made.append("slow")
        entered.set()
        go.wait(5)
        return Network()

    threads = [threading.Thread(target=lambda: values.append(store.get("slow", slow, size_of))) for _ in range(8)]
    for thread in threads:
        thread.start()
    entered.wait(5)
    began = time.monotonic()
    store.get("other", Network, size_of)  # is not held up by the slow one
    assert time.monotonic() - began < 2
    go.set()
    for thread in threads:
        thread.join(5)
    assert made == ["slow"]
    assert len({id(value) for value in values}) == 1


def test_making_one_value_may_ask_for_another() -> None:
    store = Resources()
    assert store.get("outer", lambda: store.get("inner", lambda: 1) + 1) == 2
