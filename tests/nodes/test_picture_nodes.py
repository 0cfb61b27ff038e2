"""Picture and mask nodes: in a graph, called bare, with latents, and into files."""

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

import nodegraph
from nodegraph import Context, OutputFolder, png
from nodegraph.plugins import load_plugins
from nodegraph_nodes import masks, pictures
from nodegraph_nodes.ops.pictures import from_bytes
from nodegraph_nodes.types import Image

ALL_GREYS = from_bytes(torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(output=OutputFolder(tmp_path / "out"), graph_text=lambda: '{"nodegraph": 1}')


def values(path: Path) -> np.ndarray:
    with PIL.Image.open(path) as file:
        return np.asarray(file)


def digit(tmp_path: Path) -> Path:
    bytes_ = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    PIL.Image.fromarray(bytes_).save(tmp_path / "digit.png")
    return tmp_path / "digit.png"


def test_loading_and_saving_changes_no_pixel(tmp_path, context):
    path = digit(tmp_path)
    image = pictures.load_image(path, color="grey")
    assert image.space == "pixels"
    saved = pictures.save_image(context, image, "copy")
    assert saved == (tmp_path / "out" / "copy.png").resolve()
    assert np.array_equal(values(saved), values(path))


def test_a_picture_carries_its_graph_unless_told_not_to(tmp_path, context):
    assert png.extract(pictures.save_image(context, Image(ALL_GREYS))) == '{"nodegraph": 1}'
    plain = Context(output=OutputFolder(tmp_path), graph_text=lambda: '{"nodegraph": 1}', metadata=False)
    assert png.extract(pictures.save_image(plain, Image(ALL_GREYS))) is None


def test_nothing_is_overwritten(context):
    first = pictures.save_image(context, Image(ALL_GREYS), "same.png")
    second = pictures.save_image(context, Image(-ALL_GREYS), "same.png")
    assert first.name == "same.png" and second != first and second.suffix == ".png"
    assert np.array_equal(values(first), np.arange(256).reshape(16, 16))


def test_a_batch_is_a_file_each_or_a_sheet(context):
    batch = Image(torch.linspace(-1, 1, 12).view(12, 1, 1, 1).expand(12, 3, 8, 8))
    first = pictures.save_image(context, batch, "many")
    names = sorted(path.name for path in first.parent.iterdir())
    assert first.name == "many_01.png" and names == [f"many_{number:02}.png" for number in range(1, 13)]
    assert (values(first.parent / "many_12.png") == 255).all()
    sheet = pictures.save_image(context, batch, "sheet", batch="sheet")
    assert sheet.name == "sheet.png" and values(sheet).shape[0] > 200
    assert png.extract(sheet) is not None


@pytest.mark.parametrize("name", ["../up", "/etc/x", "a/../../b", "C:x", "~/x", "a\\..\\b", "nul"])
def test_names_that_lead_out_are_refused(tmp_path, context, name):
    with pytest.raises(nodegraph.OutputError):
        pictures.save_image(context, Image(ALL_GREYS), name)
    assert not list(tmp_path.rglob("*.png"))


@pytest.mark.parametrize("name", ["", ".png", "folder/"])
def test_a_name_must_name_a_file(context, name):
    with pytest.raises(ValueError, match="must name a file"):
        pictures.save_image(context, Image(ALL_GREYS), name)


def test_folders_below_the_output_folder_are_made(tmp_path, context):
    assert pictures.save_image(context, Image(ALL_GREYS), "a/b").relative_to(tmp_path.resolve()) == Path("out/a/b.png")


LATENT = Image(torch.zeros(1, 4, 8, 8), "latent:vae")
PICTURE_NODES = {
    "SaveImage": lambda context: pictures.save_image(context, LATENT),
    "ShowImage": lambda context: pictures.show_image(context, LATENT),
    "ImageGrid": lambda context: pictures.image_grid([LATENT]),
    "GaussianBlur": lambda context: pictures.gaussian_blur(LATENT),
    "Resize": lambda context: pictures.resize(LATENT, 4),
    "Crop": lambda context: pictures.crop(LATENT),
    "Pad": lambda context: pictures.pad(LATENT),
}


@pytest.mark.parametrize("type_id", PICTURE_NODES)
def test_latents_are_no_pictures(context, type_id):
    with pytest.raises(ValueError, match=r"is in the space latent:vae, must be pixels"):
        PICTURE_NODES[type_id](context)


def test_captions_headings_and_psnr():
    batch = ALL_GREYS.expand(3, 1, 16, 16)
    plain = pictures.image_grid([Image(batch)], captions=["a", "b", "c"]).pixels
    compared = pictures.image_grid([Image(batch)], captions=["a", "b", "c"], reference=Image(ALL_GREYS)).pixels
    assert compared.shape[-2] > plain.shape[-2] and compared.shape[-1] == plain.shape[-1]
    with pytest.raises(ValueError, match=r"captions are 2, must be none or one for each of the 3 pictures$"):
        pictures.image_grid([Image(batch)], captions=["a", "b"])
    with pytest.raises(ValueError, match="one text for each batch goes into headings"):
        pictures.image_grid([Image(batch)], captions=["a"])
    with pytest.raises(ValueError, match="reference is 1 picture of 8 x 8, grey, must be like"):
        pictures.image_grid([Image(batch)], reference=Image(torch.zeros(1, 1, 8, 8)))


def test_the_psnr_that_is_written():
    off = torch.cat([ALL_GREYS, ALL_GREYS + 0.2, ALL_GREYS + 0.02])
    lines = pictures.below(["x", "", "z"], [off], ALL_GREYS)
    assert lines == ["x\nidentical", "\n20.0 dB", "z\n40.0 dB"]
    assert pictures.below([""] * 3, [off[:2], off[2:]], ALL_GREYS)[2] == "\n40.0 dB"


def test_resize_keeps_the_ratio_that_is_not_given():
    image = Image(torch.zeros(2, 3, 20, 40))
    assert pictures.resize(image, width=20).pixels.shape == (2, 3, 10, 20)
    assert pictures.resize(image, height=5).pixels.shape == (2, 3, 5, 10)
    assert pictures.resize(image, 7, 9).pixels.shape == (2, 3, 9, 7)
    with pytest.raises(ValueError, match="width and height are both 0"):
        pictures.resize(image)


def test_crop_and_pad_by_their_defaults_change_nothing():
    image = Image(ALL_GREYS)
    assert torch.equal(pictures.crop(image).pixels, ALL_GREYS)
    assert torch.equal(pictures.pad(image).pixels, ALL_GREYS)
    assert pictures.crop(image, left=10).pixels.shape == (1, 1, 16, 6)
    assert (pictures.pad(image, top=2, fill="white").pixels[..., :2, :] == 1).all()
    assert torch.equal(pictures.pad(image, top=1, fill="reflect").pixels[..., 0, :], ALL_GREYS[..., 1, :])


def test_a_kernel_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="kernel is 33 and the picture's shorter side 16"):
        pictures.gaussian_blur(Image(ALL_GREYS), 2, 33)


def test_masks_take_the_size_of_a_picture():
    wide = Image(torch.zeros(1, 1, 10, 20))
    assert masks.rectangle_mask(like=wide, left=10).values[0, 0].sum() == 100
    assert masks.circle_mask(like=wide, x=10, y=5, radius=3).values.shape == (1, 1, 10, 20)
    assert masks.rectangle_mask(size=28, top=14).values.sum() == 14 * 28
    inverse = masks.invert_mask(masks.rectangle_mask(size=28, top=14)).values
    assert inverse[0, 0, :14].sum() == 14 * 28 and inverse.sum() == 14 * 28


def test_show_image_gives_a_preview():
    events = []
    pictures.show_image(Context(emit=events.append), Image(ALL_GREYS.expand(5, 1, 16, 16)))
    assert events[0].preview.startswith(b"\x89PNG")


def test_a_result_shows_itself_in_a_notebook():
    assert Image(ALL_GREYS)._repr_png_().startswith(b"\x89PNG")
    assert masks.rectangle_mask()._repr_png_().startswith(b"\x89PNG")
    assert LATENT._repr_png_() is None


def test_a_graph_from_file_to_file(tmp_path):
    path = digit(tmp_path)
    graph = nodegraph.loads(
        json.dumps(
            {
                "nodegraph": 1,
                "nodes": {
                    "load": {"type": "LoadImage", "inputs": {"path": str(path), "color": "grey"}},
                    "blur": {"type": "GaussianBlur", "inputs": {"sigma": 1}},
                    "grid": {"type": "ImageGrid", "inputs": {"captions": ["sharp", "blurred"]}},
                    "save": {"type": "SaveImage", "inputs": {"name": "pair"}},
                },
                "links": [
                    "load.image -> blur.image",
                    "load.image -> grid.images[0]",
                    "blur.image -> grid.images[1]",
                    "load.image -> grid.reference",
                    "grid.image -> save.image",
                ],
            }
        )
    )
    written = nodegraph.run(graph, out=tmp_path)["save", "path"]
    assert written == tmp_path.resolve() / "pair.png"
    again = nodegraph.run(nodegraph.load(written), out=tmp_path)["save", "path"]
    assert again != written and np.array_equal(values(again), values(written))
    assert str(tmp_path) not in png.extract(written)


def test_a_missing_picture_is_named(tmp_path):
    graph = nodegraph.Graph().add("load", "LoadImage", path=str(tmp_path / "gone.png"))
    with pytest.raises(nodegraph.NodegraphError, match=r"load.*gone\.png"):
        nodegraph.run(graph)


def test_a_broken_picture_fails_its_node_with_path_and_remedy(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    graph = nodegraph.Graph().add("load", "LoadImage", path=str(tmp_path / "broken.png"))
    with pytest.raises(nodegraph.RunFailed, match=r"load.*broken\.png is (damaged|no picture)"):
        nodegraph.run(graph)


@pytest.mark.parametrize("node", ["SaveImage", "SaveModel", "SaveAnimation"])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../x", "leads out of the output folder; leave out '..'"),
        ("/tmp/x", "is absolute, must be below the output folder"),
        ("con", "has the part 'con."),
    ],
)
def test_a_bad_name_of_an_output_is_told_by_check_and_before_anything_runs(node: str, name: str, why: str) -> None:
    """A training of an hour should not be lost to it."""
    registry = load_plugins(only=["nodegraph"])
    graph = nodegraph.Graph().add("save", node, name=name)
    (problem,) = [each for each in nodegraph.check(graph, registry) if each.input == "name"]
    assert str(problem).startswith(f"save ({node}): name is {name!r}, which {why}")
    with pytest.raises(nodegraph.CheckFailed, match="which"):
        nodegraph.run(graph, registry=registry)
