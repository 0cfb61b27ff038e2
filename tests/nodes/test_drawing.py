"""Sheets: where each tile lies, that its pixels are untouched, and that captions are there to be read."""

import pytest
import torch

from nodegraph_nodes.ops import lettering
from nodegraph_nodes.ops.drawing import fitting_columns, fitting_scale, sheet


def tiles(count: int, side: int = 8, channels: int = 1) -> torch.Tensor:
    values = torch.rand((count, channels, side, side), generator=torch.Generator().manual_seed(count))
    return values * 2 - 1


def test_tiles_lie_row_by_row_with_gaps_and_keep_their_values():
    batch = tiles(5)
    made = sheet([batch], 3, scale=1, gap=2)
    assert made.shape == (1, 1, 2 * 8 + 3 * 2, 3 * 8 + 4 * 2)
    for index, tile in enumerate(batch):
        top, left = 2 + index // 3 * 10, 2 + index % 3 * 10
        assert torch.equal(made[0, :, top : top + 8, left : left + 8], tile)
    assert (made[..., :2, :] == 1).all() and (made[..., :2] == 1).all() and (made[..., 12:, 22:] == 1).all()


def test_batches_are_laid_out_in_order():
    a, b = tiles(2), tiles(3)
    assert torch.equal(sheet([a, b], 5, scale=1), sheet([torch.cat([a, b])], 5, scale=1))


def test_enlarging_copies_pixels():
    tile = tiles(1)
    assert torch.equal(sheet([tile], scale=3, gap=0), tile.repeat_interleave(3, -1).repeat_interleave(3, -2))


def test_grey_and_colour_mix_and_other_sizes_stand_in_the_middle():
    grey, colour = tiles(1, 4), tiles(1, 10, 3)
    made = sheet([grey, colour], 2, scale=1, gap=1, background="black")
    assert made.shape == (1, 3, 12, 23)
    assert torch.equal(made[0, :, 4:8, 4:8], grey[0].expand(3, 4, 4))
    assert torch.equal(made[0, :, 1:11, 12:22], colour[0])
    assert (made[0, :, 1:4, 1:11] == -1).all()
    assert sheet([grey, grey], scale=1).shape[1] == 1


@pytest.mark.parametrize("background, value", [("white", 1), ("black", -1), ("grey", 0)])
def test_captions_are_below_their_tile_and_differ_from_the_background(background, value):
    batch = torch.zeros(2, 1, 100, 100)
    made = sheet([batch], 2, ["t = 250", ""], scale=1, gap=8, background=background)
    below = made[0, 0, 109:]
    written = (below - value).abs() > 0.7
    assert written[:, 8:108].sum() > 40
    assert not written[:, 108:].any()
    assert torch.equal(made[0, :, 8:108, 8:108], batch[0])


def test_no_caption_takes_no_room():
    batch = tiles(2, 100)
    assert sheet([batch], captions=["", ""]).shape == sheet([batch]).shape


def test_headings_begin_new_rows():
    made = sheet([torch.zeros(3, 1, 100, 100), torch.zeros(2, 1, 100, 100)], headings=["clean", "noisy"], scale=1)
    line = lettering.line_height(lettering.font(13)) + 3
    assert made.shape == (1, 1, 2 * (100 + line) + 4 * 8, 3 * 100 + 4 * 8)
    heading = made[0, 0, 8 + line + 100 + 16 : 8 + 2 * line + 100 + 16]
    assert (heading < 0).sum() > 40
    assert (made[0, 0, -108:-8, 8:208].sum(1) == 8).all(), "two tiles of 0 and the white gap between them"
    assert (made[0, 0, -108:, 224:] == 1).all(), "the second row has two tiles only"


def test_long_captions_break_and_stay_within_their_column():
    words = "a rather long caption that has to be broken into lines"
    made = sheet([torch.ones(2, 1, 112, 112)], 2, [words, "short"], scale=1, gap=8)
    dark = made[0, 0] < 0
    assert dark[:, 118:122].sum() == 0, "nothing is written between the columns"
    letters = lettering.font(13)
    lines = lettering.wrapped(words, letters, 112)
    assert len(lines) >= 3 and " ".join(lines) == words
    assert all(letters.getlength(line) <= 112 for line in lines)


def test_words_wider_than_a_line_are_cut_and_endless_text_ends():
    letters = lettering.font(13)
    pieces = lettering.wrapped("w" * 60, letters, 100)
    assert "".join(pieces) == "w" * 60 and all(letters.getlength(piece) <= 100 for piece in pieces)
    endless = lettering.wrapped("word " * 5000, letters, 100)
    assert len(endless) == lettering.MOST_LINES and endless[-1].endswith("…")
    assert all(letters.getlength(line) <= 100 for line in endless)
    assert len(lettering.wrapped("w" * 5000, letters, 100)) == lettering.MOST_LINES
    assert lettering.wrapped("one\n\ntwo", letters, 100) == ["one", "", "two"]
    assert lettering.wrapped(" \n ", letters, 100) == []


def test_the_font_has_the_letters_of_the_field():
    letters = lettering.font(20)
    missing = bytes(letters.getmask("\U0001f600"))
    for letter in "aZ09σεαβ√×°²½≤≥−±∞→éüßñŁжЯ–—…":
        assert bytes(letters.getmask(letter)) != missing, letter


@pytest.mark.parametrize(
    "batches, columns",
    [
        ([1], 1),
        ([5], 5),
        ([6], 3),
        ([7], 3),
        ([10], 5),
        ([12], 4),
        ([16], 4),
        ([100], 10),
        ([3, 3, 3], 3),
        ([1, 1, 1], 3),
        ([10, 10], 10),
        ([40, 40], 10),
        ([2, 3], 5),
    ],
)
def test_columns_when_none_are_given(batches, columns):
    assert fitting_columns(batches) == columns


def test_small_pictures_are_enlarged_but_sheets_stay_on_a_screen():
    assert [fitting_scale(side, side) for side in (1, 8, 28, 64, 112, 1000)] == [112, 14, 4, 2, 1, 1]
    assert fitting_scale(28, 100 * 28) == 1


def test_what_cannot_be_laid_out():
    with pytest.raises(ValueError, match="no picture"):
        sheet([])
    with pytest.raises(ValueError, match="captions are 1, must be 3, one for each picture"):
        sheet([tiles(3)], captions=["a"])
    with pytest.raises(ValueError, match="headings are 2, must be 1, one for each batch"):
        sheet([tiles(3)], headings=["a", "b"])
    with pytest.raises(ValueError, match=r"\[1, 4, 8, 8\], must be"):
        sheet([torch.zeros(1, 4, 8, 8)])
    with pytest.raises(ValueError, match="background is 'red', must be one of white, black, grey"):
        sheet([tiles(1)], background="red")
    with pytest.raises(ValueError, match=r"must have at most .* pixels; choose a smaller scale"):
        sheet([torch.zeros(1, 1, 1000, 1000)], scale=64)


def test_nothing_that_was_given_is_changed():
    batch = tiles(3)
    before = batch.clone()
    sheet([batch], captions=["a", "b", "c"], scale=1)[:] = 0
    assert torch.equal(batch, before)
