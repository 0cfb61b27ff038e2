"""The cache: bounded by bytes, least recently used first, shared storage counted once."""

import random
from collections.abc import Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from nodegraph.cache import ENTRY_BYTES, MemoryCache


@dataclass(frozen=True)
class Picture:
    """A value that lives in a storage, which others may share."""

    storage: str
    size: int


def sizes(value: Picture) -> Iterable[tuple[Hashable, int]]:
    return [(value.storage, value.size)]


def make_cache(entries: float, size: int = 1000) -> MemoryCache:
    """A cache with room for so many values of one size."""
    return MemoryCache(int(entries * (ENTRY_BYTES + size)), sizes)


def key(number: int) -> bytes:
    return number.to_bytes(4, "big")


def picture(number: int, size: int = 1000) -> dict[str, Picture]:
    return {"image": Picture(f"storage {number}", size)}


def test_what_was_put_is_got_by_reference() -> None:
    cache, outputs = make_cache(3), picture(1)
    assert cache.get(key(1)) is None
    assert cache.put(key(1), outputs, "a picture")
    found = cache.get(key(1))
    assert found is not None
    assert found.outputs is outputs
    assert found.summary == "a picture"
    assert key(1) in cache
    assert key(2) not in cache


def test_the_least_recently_used_leaves_first() -> None:
    cache = make_cache(3)
    for number in range(3):
        cache.put(key(number), picture(number))
    cache.get(key(0))
    cache.put(key(3), picture(3))
    assert [key(number) in cache for number in range(4)] == [True, False, True, True]
    assert cache.held_bytes == 3 * (ENTRY_BYTES + 1000)


def test_what_is_too_large_alone_is_not_kept_and_drives_nothing_out() -> None:
    cache = make_cache(2)
    cache.put(key(1), picture(1))
    assert not cache.put(key(2), picture(2, 10_000))
    assert key(1) in cache
    assert not MemoryCache(0).put(key(1), {"value": 1})


def test_shared_storage_counts_once_and_until_its_last_reader_leaves() -> None:
    cache = make_cache(100)
    cache.put(key(1), {"image": Picture("s", 1000), "view": Picture("s", 1000)})
    cache.put(key(2), {"image": Picture("s", 1000)})
    assert cache.held_bytes == 1000 + 2 * ENTRY_BYTES
    cache.limit_bytes = 1000 + 2 * ENTRY_BYTES
    cache.put(key(3), {})
    assert key(1) not in cache
    assert cache.held_bytes == 1000 + 2 * ENTRY_BYTES


def test_putting_a_key_again_replaces() -> None:
    cache = make_cache(3)
    cache.put(key(1), picture(1))
    cache.put(key(1), picture(2, 500))
    assert len(cache) == 1
    assert cache.held_bytes == ENTRY_BYTES + 500


def test_plain_data_is_measured_without_being_declared() -> None:
    cache = MemoryCache(10_000)
    assert cache.put(key(1), {"text": "x" * 5000})
    assert 5000 < cache.held_bytes < 5000 + 2 * ENTRY_BYTES
    assert not cache.put(key(2), {"text": "y" * 20_000})


def test_clear_lets_everything_go() -> None:
    cache = make_cache(3)
    cache.put(key(1), picture(1))
    cache.clear()
    assert (len(cache), cache.held_bytes, cache.get(key(1))) == (0, 0, None)


def test_the_account_stays_right_whatever_happens() -> None:
    chance, cache = random.Random(0), MemoryCache(20_000, sizes)
    kept: dict[bytes, dict[str, Picture]] = {}
    for _ in range(3000):
        number = chance.randrange(40)
        if chance.random() < 0.3:
            cache.get(key(number))
            continue
        shared = [Picture(f"s{chance.randrange(10)}", 700) for _ in range(chance.randrange(4))]
        kept[key(number)] = {f"o{place}": value for place, value in enumerate(shared)}
        cache.put(key(number), kept[key(number)])
        held = [outputs for name, outputs in kept.items() if name in cache]
        storages = {value.storage: value.size for outputs in held for value in outputs.values()}
        assert cache.held_bytes == len(cache) * ENTRY_BYTES + sum(storages.values()) <= cache.limit_bytes


def test_an_interrupt_in_the_middle_leaves_no_wrong_account() -> None:
    class Interrupting:
        """A storage at which Ctrl+C is pressed when it is entered."""

        asked = 0

        def __hash__(self) -> int:
            Interrupting.asked += 1
            if Interrupting.asked == 3:
                raise KeyboardInterrupt
            return 1

    cache = MemoryCache(10_000, lambda value: [("first", 100), (value, 100)])
    cache.put(key(1), {"value": 1.0})
    with pytest.raises(KeyboardInterrupt):
        cache.put(key(2), {"value": Interrupting()})
    assert Interrupting.asked == 3
    assert (len(cache), cache.held_bytes) == (0, 0)
    assert cache.put(key(3), {"value": 1.0})


def test_several_threads_do_not_spoil_it() -> None:
    cache = make_cache(5)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(2000):
            number = chance.randrange(20)
            found = cache.get(key(number))
            assert found is None or found.outputs == picture(number)
            cache.put(key(number), picture(number))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))  # raises what one of them raised
    assert cache.held_bytes == len(cache) * (ENTRY_BYTES + 1000)


@pytest.mark.parametrize("limit", [None, 123])
def test_the_limit_is_two_gib_or_a_quarter_of_the_memory_unless_told(limit: int | None) -> None:
    cache = MemoryCache(limit)
    assert cache.limit_bytes == limit if limit else 0 < cache.limit_bytes <= 2 * 2**30
