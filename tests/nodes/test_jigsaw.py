"""The jigsaw: its pieces are connected, interlock, have four shapes, and are moved as rigid pieces."""

import itertools

import pytest
import torch

from nodegraph_nodes.ops.jigsaw import Jigsaw, owners

SHAPES = {"corner": {0, 3, 15, 12}, "left edge": {1, 7, 14, 8}, "right edge": {2, 11, 13, 4}, "inner": {5, 6, 10, 9}}
SIDES = [3, 4, 5, 6, 7, 8, 11, 16, 32]


def piece(side, number):
    """One piece on a canvas of its own that is as wide as three, its square in the middle."""
    owner = torch.nn.functional.pad(owners(side), (side,) * 4, value=-1)
    row, column = divmod(number, 4)
    return owner[row * side : (row + 3) * side, column * side : (column + 3) * side] == number


def connected(mask):
    """Whether every pixel of a mask can be reached from the first over the sides of pixels."""
    unreached = {tuple(place) for place in mask.nonzero().tolist()}
    open_ = [min(unreached)]
    while open_:
        row, column = open_.pop()
        if (row, column) in unreached:
            unreached.remove((row, column))
            open_ += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
    return not unreached


@pytest.mark.parametrize("side", SIDES)
def test_pieces_of_a_kind_have_one_shape(side):
    shapes = {}
    for kind, numbers in SHAPES.items():
        turned = [{bytes(piece(side, n).rot90(k).contiguous().numpy()) for k in range(4)} for n in numbers]
        assert all(each == turned[0] for each in turned)
        shapes[kind] = turned[0]
    assert [len(ways) for ways in shapes.values()] == [4, 4, 4, 2]  # an inner piece fits in two ways
    assert len(set.union(*shapes.values())) == 14
    assert sum(piece(side, number).sum() for number in range(16)) == 16 * side**2


@pytest.mark.parametrize("side", SIDES)
def test_pieces_hang_together_and_reach_into_one_another(side):
    owner = owners(side)
    straight = torch.arange(4).repeat_interleave(side)
    squares = straight[:, None] * 4 + straight
    for number in range(16):
        assert connected(owner == number)
    knobs = {(int(a), int(b)) for a, b in zip(owner[owner != squares], squares[owner != squares], strict=True)}
    beside = {
        frozenset((a, b))
        for a, b in itertools.combinations(range(16), 2)
        if abs(a % 4 - b % 4) + abs(a // 4 - b // 4) == 1
    }
    assert {frozenset(pair) for pair in knobs} == beside and len(knobs) == len(beside) == 24
    sizes = {int(((owner == a) & (squares == b)).sum()) for a, b in knobs}
    assert len(sizes) == 1 and sizes.pop() == pytest.approx(0.09 * side**2, abs=0.04 * side**2)


def test_knobs_have_a_neck():
    """At the size that DeepFloyd's first stage draws, a knob is wider in the middle than where it begins."""
    knob = (owners(16) == 0)[16:32]
    widths = knob.sum(1).tolist()
    assert widths[0] == 4 and max(widths) == 6 and widths.index(6) == 1


@pytest.mark.parametrize("size", [12, 13, 15, 28, 30, 64, 67])
@pytest.mark.parametrize("seed", [0, 3])
def test_pieces_are_moved_whole(size, seed):
    """Cut out with scissors: each piece, turned, is found where it lies, and what is left over stays."""
    side, first = size // 4, (size % 4) // 2
    x = torch.arange(size * size, dtype=torch.float64).view(size, size) + 1
    seen = Jigsaw(seed).apply(x[None, None])[0, 0]
    inner = slice(first, first + 4 * side)
    border = torch.ones_like(x, dtype=torch.bool)
    border[inner, inner] = False
    assert torch.equal(seen[border], x[border])

    def cut_out(picture, number):
        padded = torch.nn.functional.pad(picture[inner, inner], (side,) * 4)
        row, column = divmod(number, 4)
        window = padded[row * side : (row + 3) * side, column * side : (column + 3) * side]
        return window * piece(side, number)

    came_from = {}
    for kind in SHAPES.values():
        before = {number: cut_out(x, number) for number in kind}
        for place in kind:
            lies = cut_out(seen, place)
            found = [n for n, cut in before.items() if any(torch.equal(cut.rot90(k), lies) for k in range(4))]
            assert len(found) == 1
            came_from[place] = found[0]
    assert sorted(came_from.values()) == list(range(16))
    assert sum(place != came for place, came in came_from.items()) >= 9


def test_seeds_lay_them_differently():
    x = torch.arange(144.0).view(1, 1, 12, 12)
    seen = {bytes(Jigsaw(seed).apply(x).numpy()) for seed in range(20)}
    assert len(seen) == 20
