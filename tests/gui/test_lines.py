"""Lines out of pieces, and when changes are told: laws that hold for any cutting and any flood."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodegraph_gui.lines import LineSplitter
from nodegraph_gui.measurements import MOST, Measurements
from nodegraph_gui.throttles import Throttle


@given(st.lists(st.binary(max_size=6).map(lambda line: line.replace(b"\n", b"x"))), st.data())
def test_lines_are_the_same_however_they_are_cut(lines, data):
    stream = b"".join(line + b"\n" for line in lines) + b"rest"
    splitter, found, at = LineSplitter(), [], 0
    while at < len(stream):
        size = data.draw(st.integers(1, len(stream) - at))
        found += splitter.feed(stream[at : at + size])
        at += size
    assert found == lines and splitter.rest == 4 and splitter.end() == b"rest" and splitter.rest == 0


def test_a_line_that_is_too_long_is_dropped():
    splitter = LineSplitter(4)
    assert splitter.feed(b"abcd\nabc") == [b"abcd"]
    assert splitter.feed(b"de") == [] and splitter.feed(b"f\nx\n") == [b"x"]
    assert splitter.dropped == 1 and splitter.feed(b"12345\n1\n") == [b"1"]


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def flood(names, urgent=False, seconds=3.0, every=0.004):
    """What is told while each name changes every few milliseconds, with the times."""
    clock = Clock()
    throttle, told = Throttle(clock=clock), []
    end = clock.now + seconds
    while clock.now < end:
        for name in names:
            throttle.add(name, urgent=urgent)
        if (throttle.wait() or 0) <= 0:
            told += [(clock.now, name) for name in throttle.due()]
        clock.now += every
    return told


def most_in_a_second(times):
    return max(sum(start <= other < start + 1 - 1e-6 for other in times) for start in times)


def test_a_node_is_told_of_ten_times_a_second():
    times = [at for at, _ in flood(["a"])]
    assert 28 <= len(times) <= 31 and most_in_a_second(times) == 10
    assert min(b - a for a, b in pairwise(times)) >= 0.1 - 1e-6


def test_all_nodes_together_thirty_times_and_each_in_turn():
    told = flood([f"n{number}" for number in range(60)], seconds=4)
    assert most_in_a_second([at for at, _ in told]) == 30
    assert len({name for _, name in told}) == 60


def test_what_is_urgent_waits_for_no_other():
    clock = Clock()
    throttle = Throttle(clock=clock)
    for number in range(100):
        throttle.add(f"n{number}")
    assert len(throttle.due()) == 30 and throttle.due() == []
    assert throttle.wait() == pytest.approx(1)
    throttle.add("failed", urgent=True)
    clock.now += 1 / 30
    assert throttle.wait() <= 1e-9 and throttle.due() == ["failed"]
    assert len(throttle.drain()) == 70 and throttle.wait() is None


def test_measurements_are_curves():
    measured = Measurements()
    measured.add(1, {"loss": 1.0}, b"one")
    measured.add(2, {}, b"no numbers")
    measured.add(3, {"loss": 0.5, "epoch": 2}, b"two")
    measured.add(4, {"epoch": 2}, b"two")
    assert measured.steps == [1, 3, 4]
    assert measured.series == {"loss": [1.0, 0.5, None], "epoch": [None, 2, 2]}
    assert measured.pictures == {1: b"one", 2: b"two"}


def test_a_long_curve_is_thinned():
    measured = Measurements()
    for step in range(3 * MOST):
        measured.add(step, {"loss": step}, None)
    assert MOST / 2 <= len(measured.steps) <= MOST and measured.steps == measured.series["loss"]
    assert measured.steps == sorted(set(measured.steps)) and measured.steps[0] == 0
