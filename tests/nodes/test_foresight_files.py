"""What is foreseen of files of pictures: their sizes and channels, read from the first bytes, or nothing."""

import pytest
from foretold import GAUSSIANS, PICTURE, built, told


@pytest.mark.parametrize(
    ("size", "format", "told", "options"),
    [
        ((20, 30), "PNG", (30, 20), {}),
        ((20, 30), "JPEG", (30, 20), {}),
        ((20, 30), "JPEG", (30, 20), {"progressive": True, "dpi": (300, 300)}),
        ((20, 30), "JPEG", None, {"exif": 6}),
        ((20, 30), "PNG", None, {"exif": 6}),
        ((24, 24), "JPEG", (24, 24), {"exif": 6}),
        ((20, 30), "GIF", None, {}),
    ],
)
def test_the_size_of_a_picture_is_right_or_not_told(registry, tmp_path, size, format, told, options):
    from PIL import Image

    from nodegraph_nodes.ops.picture_headers import check_is_picture, size_in
    from nodegraph_nodes.ops.pictures import read_picture

    if "exif" in options:
        exif = Image.Exif()
        exif[0x0112] = options["exif"]  # the rotation that a camera noted
        options = {**options, "exif": exif}
    Image.new("RGB", size).save(tmp_path / "picture", format, **options)
    check_is_picture(tmp_path / "picture")
    assert size_in(tmp_path / "picture") == told
    assert told in (None, tuple(read_picture(tmp_path / "picture").shape[-2:]))
    content = (tmp_path / "picture").read_bytes()
    for length in range(min(200, len(content))):  # cut anywhere: nothing, or what was there
        (tmp_path / "cut").write_bytes(content[:length])
        assert size_in(tmp_path / "cut") in (None, told) or "exif" in options


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "ICO", "TGA"])
def test_no_picture_is_taken_for_a_text(tmp_path, format):
    from PIL import Image

    from nodegraph_nodes.ops.picture_headers import check_is_picture

    Image.new("RGB", (65, 66), (65, 66, 67)).save(tmp_path / "picture", format)
    check_is_picture(tmp_path / "picture")


def test_pictures_that_do_not_fit_are_told_before_a_run(registry, tmp_path):
    from PIL import Image

    Image.new("L", (28, 28)).save(tmp_path / "mask.png")
    (tmp_path / "text.png").write_text("no picture")
    nodes = {"a": GAUSSIANS["a"], "image": ("LoadImage", {"path": PICTURE, "size": 16, "color": "grey"}),
             "mask": ("LoadMask", {"path": str(tmp_path / "mask.png")}), "fill": ("MaskBlend", {})}  # fmt: skip
    links = "a.denoiser -> fill.denoiser", "image.image -> fill.image", "mask.mask -> fill.mask"
    graph = built(nodes, *links)
    assert told(graph, registry) == ["fill (MaskBlend): mask is 28 x 28, must be 16 x 16 like the pictures"]
    assert told(graph.set("mask", size=16), registry) == []
    assert told(graph.set("mask", path=str(tmp_path / "text.png"), size=16), registry) == [
        f"mask (LoadMask): path {tmp_path / 'text.png'} is a text, must be a picture file, such as PNG or JPEG"
    ]
    (tmp_path / "text.png").write_text("")
    assert f"{tmp_path / 'text.png'} is empty" in told(graph.set("mask", path=str(tmp_path / "text.png")), registry)[0]


def test_grey_pictures_where_colours_are_due(registry):
    nodes = {"image": ("LoadImage", {"path": PICTURE, "color": "grey"}), "safe": ("IFSafetyChecker", {}),
             "words": ("EncodePrompt", {}), "large": ("IFStage2", {})}  # fmt: skip
    links = "image.image -> safe.image", "image.image -> large.image", "words.conditioning -> large.conditioning"
    graph = built(nodes, *links)
    large, safe = sorted(told(graph, registry))
    assert safe == "safe (IFSafetyChecker): image has 1 channel, must have 3: the safety checker looks at RGB pictures"
    assert large.startswith("large (IFStage2): ") and "channel, must have 3" in large and "load it in RGB" in large
    assert told(graph.set("image", color="RGB"), registry) == []
