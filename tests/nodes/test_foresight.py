"""What the built-in nodes foresee: told by check with node, input and remedy, and never of a graph that would run."""

import json
import warnings
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from foretold import GAUSSIANS, GUIDED, PARTS, PICTURE, ROOT, built, combined, example, told

from nodegraph import CheckFailed, Foresight, Graph, GraphWarning, Link, RunFailed, Session, check, load, save
from nodegraph.foresight import UNKNOWN, Known
from nodegraph.plugins import load_plugins

EXAMPLES = sorted([*ROOT.glob("examples/*.json"), *ROOT.glob("examples/if/*.json")])


# 1. Counts and weights


@pytest.mark.parametrize(
    ("graph", "problem"),
    [
        (
            combined("WeightedSum", *PARTS, weights=[0.5, 0.4]),
            "mix (WeightedSum): weights sum to 0.9, must sum to 1 where there is no base; change them, or link a base",
        ),
        (
            combined("WeightedSum", *PARTS, weights=[1.0]),
            "mix (WeightedSum): weights are 1 for 2 parts, must be one for each",
        ),
        (
            combined("WeightedSum", *PARTS, "c.denoiser -> mix.base", weights=[1.0]),
            "mix (WeightedSum): weights are 1 for 2 parts, must be one for each",
        ),
        (
            combined("MultiView", *PARTS, views=["flip"]),
            "mix (MultiView): views are 1 for 2 parts, must be one for each; identity is the picture as it stands",
        ),
        (
            combined("MultiView", *PARTS, views=["flip", "identity"], permutations=[1, 2, 3]),
            "mix (MultiView): permutations are 3, must be none, one for all, or one for each of the 2 views",
        ),
        (
            combined(
                "PerpNeg",
                "a.denoiser -> mix.positive",
                "b.denoiser -> mix.unconditional",
                "c.denoiser -> mix.negatives[0]",
                weights=[1.0, 2.0],
            ),
            "mix (PerpNeg): weights are 2 for 1 negative, must be one for each; leave them out for 1 each",
        ),
        (
            combined("Factorize", *PARTS, by="low, middle, high", base=0),
            "mix (Factorize): parts are 2, must be 3; one each for low, middle, high",
        ),
        (
            combined("Factorize", *PARTS, kernel=4, base=0),
            "mix (Factorize): kernel is 4, must be an odd number of pixels",
        ),
        (
            combined(
                "Regions",
                *PARTS,
                "c.denoiser -> mix.parts[2]",
                "mask.mask -> mix.masks[0]",
                more={"mask": ("RectangleMask", {"size": 8})},
            ),
            "mix (Regions): masks are 1 for 3 parts, must be one for each, or for each but the last; that one then has "
            "the rest",
        ),
        (
            combined("When", "a.denoiser -> mix.inside", "b.denoiser -> mix.outside", first=100, last=200),
            "mix (When): first is 100 and last is 200, must be first >= last: sampling goes down from high "
            "timesteps to 0",
        ),
        (
            combined("Tile", "a.denoiser -> mix.denoiser", size=4, stride=8),
            "mix (Tile): stride is 8, must be from 1 to the size of a tile, 4",
        ),
        (
            combined("Formula", "a.denoiser -> mix.a", "b.denoiser -> mix.b", formula="b + s*(a-c)"),
            "mix (Formula): formula names c at 10, which is not linked; known are a, b, s, t, step, pi, x, y\n"
            "    b + s*(a-c)\n             ^",
        ),
        (
            combined("Formula", "a.denoiser -> mix.a", formula="a + mask*a"),
            "mix (Formula): formula names mask at 5, which is not linked; known are a, s, t, step, pi, x, y\n"
            "    a + mask*a\n        ^",
        ),
    ],
    ids=lambda value: value.partition(":")[0] if isinstance(value, str) else "",
)
def test_counts_weights_and_letters_are_told_before_the_run(registry, blind, graph, problem):
    assert told(graph, registry) == [problem]
    with Session(registry) as session, pytest.raises(CheckFailed) as refused:
        session.run(graph)
    assert str(refused.value) == problem
    with Session(blind) as session, pytest.raises(RunFailed) as failed:
        session.run(graph)
    message = problem.partition(": ")[2]
    assert str(failed.value).removeprefix("mix: ").removeprefix("the ") == message  # the same words in the run


def test_what_is_wrong_with_a_formula_itself_is_told_as_ever(registry):
    (problem,) = told(combined("Formula", "a.denoiser -> mix.a", formula="a +"), registry)
    assert problem.startswith("mix (Formula): formula ends at 4, where a value must follow")


def test_weights_that_a_value_node_brings_are_known(registry):
    graph = combined("WeightedSum", *PARTS, weights=[], more={"x": ("Float", {"value": 0.25})})
    graph = graph.connect("x.value -> mix.weights[0]").connect("x.value -> mix.weights[1]")
    assert told(graph, registry) == [
        "mix (WeightedSum): weights sum to 0.5, must sum to 1 where there is no base; change them, or link a base"
    ]
    assert told(graph.set("x", value=0.5), registry) == []


# 2. Presets


def with_preset(**inputs):
    return built(
        {**GAUSSIANS, "noise": ("PureNoise", {"size": 8}), "sample": ("IterativeSampler", inputs)},
        "a.denoiser -> sample.denoiser",
        "noise.noisy -> sample.start",
    )


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (
            {"preset": "CS180", "clip": "dynamic"},
            ["clip is dynamic, the preset CS180 sets none; leave one of them out"],
        ),
        (
            {"preset": "CS180", "clip": "clamp"},
            ["clip is clamp, the preset CS180 sets none; leave one of them out"],
        ),
        ({"preset": "CS180", "steps": 50}, ["steps is 50, but the preset CS180 sets 33; leave it out, or the preset"]),
        ({"preset": "CS180", "clip": "none", "steps": 33}, []),
        ({"preset": "CS180"}, []),
        ({"preset": "RePaint", "repeats": 3}, ["repeats is 3, the preset RePaint sets 10; leave one of them out"]),
        ({"preset": "IF pipeline", "steps": 20}, []),
        ({"method": "ddpm", "eta": 0.5}, ["eta is 0.5 with ddpm, must be from 0 to 1, and 0 but for ddim"]),
        ({"method": "euler", "repeats": 2}, ["repeats is 2, must be 1 with euler; only ddpm and ddim can climb"]),
        (
            {"steps": 5, "repeats": 2},
            [
                "jump is 10, must be below 5, the number of steps, to be repeated; take more steps or a lower jump, "
                "begin with more noise, or set repeats to 1"
            ],
        ),
        ({"timesteps": [500, 600]}, ["timesteps has 600 after 500, must fall from each to the next"]),
        ({"timesteps": [1000, 600]}, ["timesteps holds 1000, must be from 0 to 999"]),
        (
            {"timesteps": [500], "end": 600},
            [
                "there is nothing to do: the walk begins at t = 500 and ends at 600; begin at a higher t, with more "
                "noise, or let it end at -1, the clean picture (the preset CS180 ends at 0)"
            ],
        ),
    ],
    ids=str,
)
def test_settings_that_do_not_go_together(registry, blind, inputs, expected):
    found = told(with_preset(**inputs), registry)
    assert [text.removeprefix("warning ").removeprefix("sample (IterativeSampler): ") for text in found] == expected
    refused = any(not text.startswith("warning") for text in found)
    with Session(blind) as session:
        if refused:
            with pytest.raises(RunFailed):
                session.run(with_preset(**inputs))
        elif found:
            with Session(registry) as other, pytest.warns(GraphWarning, match="but the preset CS180"):
                other.run(with_preset(**inputs))


def test_a_preset_of_mask_blend(registry):
    graph = combined(
        "MaskBlend",
        "a.denoiser -> mix.denoiser",
        "picture.image -> mix.image",
        "mask.mask -> mix.mask",
        more={
            "picture": ("LoadImage", {"path": PICTURE, "size": 8, "color": "grey"}),
            "mask": ("CircleMask", {"size": 8, "x": 4, "y": 4, "radius": 2}),
        },
        preset="RePaint",
    )
    assert told(graph, registry) == []
    assert told(graph.set("mix", mode="paste"), registry) == [
        "mix (MaskBlend): mode is paste, the preset RePaint sets before; leave one of them out"
    ]
    assert told(graph.set("mix", mode="after"), registry) == [
        "warning mix (MaskBlend): mode is after, but the preset RePaint sets before; leave it out, or the preset"
    ]


# 3. to 5. Sizes, batches, halves


@pytest.mark.parametrize(
    ("graph", "problems"),
    [
        (
            example("if/text_to_image.json").set("noise", size=60),
            ["sample (IterativeSampler): start is 60 x 60, must be divisible by 8, such as 64 x 64"],
        ),
        (
            example("if/text_to_image.json").set("noise", channels=1),
            [
                "sample (IterativeSampler): start is 64 x 64 with 1 channel, the denoiser takes 3 channels",
                "safe (IFSafetyChecker): image has 1 channel, must have 3: the safety checker looks at RGB pictures",
            ],
        ),
        (
            example("if/inpainting.json").set("noise", batch=3),
            ["sheet (ImageGrid): captions are 5, must be none or one for each of the 4 pictures"],
        ),
        (
            example("if/upscale.json").set("noise", batch=2).set("noise_large", batch=2),
            [
                "sheet (ImageGrid): captions are 2, must be none or one for each of the 4 pictures; one text "
                "for each batch "
                "goes into headings"
            ],
        ),
        (
            example("if/upscale.json").set("noise", batch=2),
            [
                "sample_large (IterativeSampler): denoiser has 2 rows, one for each picture, and the batch has "
                "1; it needs 2 "
                "or more, as `batch` of PureNoise makes them",
                "sheet (ImageGrid): captions are 2, must be none or one for each of the 3 pictures; one text "
                "for each batch "
                "goes into headings",
            ],
        ),
        (
            example("if/upscale.json").set("noise_large", size=128),
            [
                "sample_large (IterativeSampler): start is 128 x 128 with 3 channels, the denoiser takes 256 x "
                "256 with 3 "
                "channels only"
            ],
        ),
        (
            example("if/inpainting.json").set("middle", size=32, left=4, top=4, width=9, height=9),
            ["fill (MaskBlend): mask is 32 x 32, must be 64 x 64 like the pictures"],
        ),
        (
            example("if/inpainting.json").set("drawing", size=128).set("middle", size=128),
            [
                "sample (IterativeSampler): the image is 128 x 128 with 3 channels, must be 64 x 64 with 3 "
                "channels like what "
                "is sampled"
            ],
        ),
        (
            example("if/upscale.json").set("any_large", noise_level=100),
            [
                "warning guide_large (CFGCombine): unconditional enlarges a picture with noise_level 100, "
                "conditional with "
                "noise_level 250, so that they see different pictures and guidance enhances the difference; "
                "give both the "
                "same noise_level"
            ],
        ),
        (
            example("if/upscale.json").set("any_large", seed=12),
            [
                "warning guide_large (CFGCombine): unconditional enlarges a picture with seed 12, conditional "
                "with seed 3, so "
                "that they see different pictures and guidance enhances the difference; give both the same seed"
            ],
        ),
        (
            example("if/upscale.json").connect("safe.image -> any_large.image"),
            [
                "warning guide_large (CFGCombine): unconditional enlarges a picture with image safe.image, "
                "conditional with "
                "image sample.image, so that they see different pictures and guidance enhances the difference; "
                "give both the "
                "same image"
            ],
        ),
        (
            example("inpainting.json").set("noise", size=32),
            [
                "sample (IterativeSampler): start is 32 x 32 with 1 channel, the denoiser takes 28 x 28 with 1 channel "
                "only"
            ],
        ),
        (
            built(
                {"d": ("UNetMNIST", {"digit": "0-9"}), "n": ("PureNoise", {"batch": 4}), "s": ("IterativeSampler", {})},
                "d.denoiser -> s.denoiser",
                "n.noisy -> s.start",
            ),
            [
                "s (IterativeSampler): denoiser has 10 rows, one for each picture, and the batch has 4; it "
                "needs 10 or more, "
                "as `batch` of PureNoise makes them"
            ],
        ),
        (
            built({"d": ("UNetMNIST", {"digit": "12"})}),
            ["d (UNetMNIST): digit is '12', must be digits from 0 to 9 such as 3, or 6,9, or 0-9; empty for any"],
        ),
        (
            built(
                {"n": ("PureNoise", {}), "d": ("UNetMNIST", {}), "o": ("OneStepDenoise", {})},
                "n.noisy -> o.noisy",
                "d.denoiser -> o.denoiser",
            ),
            [
                "o (OneStepDenoise): noisy is pure noise of no timestep; link a picture from AddNoise, or use "
                "IterativeSampler"
            ],
        ),
        (
            built({"t": ("Transform", {})}),
            ["t (Transform): image and noisy have no link, so that there is nothing to transform; link one of them"],
        ),
    ],
)
def test_sizes_and_batches_are_told(registry, graph, problems):
    found = told(graph, registry)
    assert found == problems


def test_two_halves_may_see_pictures_that_are_made_alike(registry):
    graph = example("if/upscale.json")
    graph = graph.add("twin", graph.nodes["sample"]).connect("twin.image -> any_large.image")
    for link in graph.in_links["sample"]:
        graph = graph.connect(str(link).replace("-> sample.", "-> twin."))
    assert [text for text in told(graph, registry) if "(CFGCombine)" in text] == []


def test_guidance_of_denoisers_for_different_pictures(registry, blind):
    graph = combined(
        "CFGCombine",
        *GUIDED,
        more={
            "small": ("LoadImage", {"path": PICTURE, "size": 8, "color": "grey"}),
            "large": ("LoadImage", {"path": PICTURE, "size": 12, "color": "grey"}),
        },
    )
    graph = graph.connect("small.image -> a.mean").connect("large.image -> b.mean")
    said = "the denoisers take different pictures, 8 x 8 with 1 channel and 12 x 12 with 1 channel"
    assert told(graph, registry) == [f"mix (CFGCombine): {said}; what is composed must take the same"]
    with Session(blind) as session, pytest.raises(RunFailed, match=said):
        session.run(graph)
    graph = combined("CFGCombine", *GUIDED).set("a", schedule="cosine")
    assert "the denoisers have different schedules, cosine and linear" in told(graph, registry)[0]


def test_a_half_that_is_never_asked_binds_nothing(registry):
    graph = combined(
        "CFGCombine",
        "d.denoiser -> mix.unconditional",
        "e.denoiser -> mix.conditional",
        noise={"size": 28},
        more={"d": ("UNetMNIST", {"digit": "0-9"}), "e": ("UNetMNIST", {})},
        scale=1.0,
    )
    assert told(graph, registry) == []
    assert len(told(graph.set("mix", scale=2.0), registry)) == 1


# 6. Checkpoints


def test_a_config_that_names_no_class_is_told(registry, tmp_path):
    from tiny_if import write_if_checkpoint

    folder = write_if_checkpoint(tmp_path / "first")
    graph = example("if/text_to_image.json").set("checkpoint", value=str(folder))
    assert not any("names no class" in text for text in told(graph, registry))
    (Path(folder) / "unet" / "config.json").write_text("{}")
    found = [text for text in told(graph, registry) if "names no class" in text]
    assert found and all(
        "unet/config.json names no class, must be a U-Net (UNet2DConditionModel)" in text for text in found
    )


def test_a_second_stage_for_the_first_is_told(registry, tmp_path):
    from tiny_if import write_if_checkpoint

    folder = write_if_checkpoint(tmp_path / "second", 2)
    graph = example("if/text_to_image.json").disconnect("checkpoint.value -> any.checkpoint")
    (problem,) = told(graph.set("any", checkpoint=str(folder)), registry)
    assert (
        problem
        == f"any (IFStage1): checkpoint {folder} enlarges pictures and is for IFStage2; IFStage1 needs a first stage"
    )


def test_what_a_checkpoint_that_is_here_says_of_its_pictures(registry, tmp_path):
    from tiny_if import write_if_checkpoint

    folder = write_if_checkpoint(tmp_path / "first")
    graph = example("if/text_to_image.json").set("checkpoint", value="somebody/else")
    for kind in ("lighthouse", "any"):
        graph = graph.disconnect(f"checkpoint.value -> {kind}.checkpoint").set(kind, checkpoint=str(folder))
    assert told(graph.set("noise", size=24), registry) == []
    assert "must be divisible by 8, such as 16 x 16" in told(graph.set("noise", size=20), registry)[0]
    unet = json.loads((folder / "unet/config.json").read_text())
    (folder / "unet/config.json").write_text(json.dumps({**unet, "block_out_channels": unet["block_out_channels"][:2]}))
    assert told(graph.set("noise", size=20), registry) == []


@pytest.fixture(scope="module")
def narrow(tmp_path_factory) -> Path:
    """A first stage that reads 32 numbers a token, with a text encoder that makes 32."""
    from tiny_if import write_if_checkpoint
    from tiny_t5 import write_text_encoder

    return write_text_encoder(write_if_checkpoint(tmp_path_factory.mktemp("narrow")))


def prompted(folder, *texts) -> Graph:
    """A first stage and its prompt: joined, if there are several."""
    nodes = {name: ("EncodePrompt", {"checkpoint": str(text)}) for name, text in zip("abc", texts, strict=False)}
    graph = built({**nodes, "join": ("JoinConditioning", {}), "unet": ("IFStage1", {"checkpoint": str(folder)})})
    for number, name in enumerate(nodes):
        graph = graph.connect(f"{name}.conditioning -> join.parts[{number}]")
    return graph.connect("join.conditioning -> unet.conditioning")


def test_prompts_of_another_width_than_the_network_reads(registry, narrow, tmp_path):
    from tiny_if import write_if_checkpoint
    from tiny_t5 import write_text_encoder

    wide = write_text_encoder(write_if_checkpoint(tmp_path / "wide", width=64), width=64)
    assert told(prompted(narrow, narrow, narrow), registry) == []
    assert told(prompted(wide, wide), registry) == []
    assert told(prompted(wide, narrow), registry) == [
        "unet (IFStage1): conditioning has 32 numbers a token, this network reads 64; "
        "encode the prompt with the text encoder of the same checkpoint"
    ]
    assert told(prompted(narrow, "somebody/else", "somebody/else"), registry) == []
    assert told(prompted(narrow, narrow, wide), registry) == [
        "join (JoinConditioning): parts[1] has 77 tokens of 64 numbers, must have 77 of 32 as parts[0] has; "
        "encode all prompts with one checkpoint"
    ]
    (problem,) = told(prompted(narrow, "DeepFloyd/IF-I-XL-v1.0"), registry)
    assert "conditioning has 4096 numbers a token, this network reads 32" in problem


def test_prompts_from_files_that_the_network_cannot_read(registry, narrow, tmp_path):
    import torch
    from safetensors.torch import save_file

    def loaded(**tensors):
        save_file({name: torch.zeros(shape) for name, shape in tensors.items()}, tmp_path / "prompt.safetensors")
        graph = built({"load": ("LoadEmbedding", {"path": str(tmp_path / "prompt.safetensors")}),
                       "unet": ("IFStage1", {"checkpoint": str(narrow)})})  # fmt: skip
        return told(graph.connect("load.conditioning -> unet.conditioning"), registry)

    assert loaded(e=(77, 32)) == loaded(e=(2, 77, 32)) == []
    assert "unet (IFStage1): conditioning has 64 numbers a token, this network reads 32" in loaded(e=(77, 64))[0]
    assert "holds e of the shape (20, 32), must be (77, D) or (B, 77, D)" in loaded(e=(20, 32))[0]
    assert "holds 2 tensors (e, f, ...), must hold one embedding" in loaded(e=(77, 32), f=(1,))[0]
    content = (tmp_path / "prompt.safetensors").read_bytes()
    graph = built({"load": ("LoadEmbedding", {"path": str(tmp_path / "cut.safetensors")})})
    for part, message in ((content[:-1], "is cut short"), (b"", "is empty, as"), (b"\x80\x02}q\x00.", "pickle")):
        (tmp_path / "cut.safetensors").write_bytes(part)
        (problem,) = told(graph, registry)
        assert problem.startswith(f"load (LoadEmbedding): path {tmp_path / 'cut.safetensors'} ") and message in problem
    save(built({"load": ("LoadEmbedding", {"path": "prompt.safetensors"})}), tmp_path / "relative.json")
    (problem,) = told(load(tmp_path / "relative.json"), registry)
    assert "holds 2 tensors" in problem


def test_weights_of_something_else(registry, narrow, tmp_path):
    import shutil

    shutil.copytree(narrow, tmp_path / "mixed")
    unet = tmp_path / "mixed" / "unet" / "diffusion_pytorch_model.safetensors"
    encoder = tmp_path / "mixed" / "text_encoder" / "model.safetensors"
    whole = unet.read_bytes()
    unet.write_bytes(encoder.read_bytes())
    (problem,) = told(prompted(tmp_path / "mixed", tmp_path / "mixed"), registry)
    assert problem.startswith(
        f"unet (IFStage1): checkpoint unet/ in {tmp_path / 'mixed'} holds the weights of something else than a U-Net: "
        "no conv_in.weight, but encoder."
    ) and problem.endswith("; get the checkpoint again")
    unet.write_bytes(whole)
    encoder.write_bytes(whole)
    (problem,) = told(prompted(tmp_path / "mixed", tmp_path / "mixed"), registry)
    assert problem.startswith("a (EncodePrompt): checkpoint text_encoder/ in ")
    assert "holds the weights of something else than T5: no encoder.final" in problem


def test_of_a_checkpoint_that_nobody_knows_nothing_is_foreseen(registry):
    graph = example("if/text_to_image.json").set("noise", size=60)
    assert len(told(graph, registry)) == 1
    assert told(graph.set("checkpoint", value="somebody/else"), registry) == []


# 7. Files of pictures


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


# 8. Values that do nothing


@pytest.mark.parametrize(
    ("inputs", "warning"),
    [
        ({"preset": "CS180", "spacing": "trailing"}, "spacing is trailing, but the preset lists the timesteps"),
        ({"timesteps": [500, 0], "spacing": "linspace"}, "spacing is linspace, but the timesteps are listed"),
        ({"timesteps": [500, 0], "steps": 7}, "steps is 7, but the timesteps are listed: 2 of them"),
        ({"method": "ddim", "variance": "fixed_large"}, "variance is fixed_large, but ddim does not use it"),
        ({"timesteps": [500, 0], "steps": 2, "spacing": "leading"}, ""),
        ({"method": "ddpm", "variance": "fixed_large"}, ""),
        ({"method": "dpm++", "variance": "learned", "spacing": "trailing"}, ""),
    ],
)
def test_values_that_do_nothing_are_told(registry, inputs, warning):
    nodes = {"a": GAUSSIANS["a"], "noise": ("PureNoise", {"size": 8}), "sample": ("IterativeSampler", inputs)}
    found = told(built(nodes, "a.denoiser -> sample.denoiser", "noise.noisy -> sample.start"), registry)
    assert len(found) == bool(warning)
    assert not warning or found[0].startswith(f"warning sample (IterativeSampler): {warning}")


# Right or absent


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT / "examples")))
def test_nothing_is_foreseen_to_be_wrong_with_an_example(registry, path):
    assert told(load(path), registry) == []
    assert registry.problems == ()


def test_every_folder_of_examples_is_looked_at():
    assert len(EXAMPLES) > 30 and any("if" in path.parts for path in EXAMPLES)


class Unknown:
    """Stands for inputs that are all linked, from what only a run can tell."""

    def value(self, port):
        return UNKNOWN

    def links(self, port):
        return [Link(source="a", output="b", target="c", input=port.name, index=0 if port.is_list else None)]

    def given(self, port):
        return True

    def brought(self, port):
        return [Known()]


@pytest.mark.parametrize(
    "name", [name for name, spec in load_plugins(only=["nodegraph"]).node_types.items() if spec.foresee]
)
def test_where_nothing_is_known_nothing_is_said_and_nothing_breaks(registry, name):
    spec = registry.get(name)
    foresight = Foresight(spec, Unknown())
    spec.foresee(foresight)
    assert foresight._said == []


class Maker:
    """Makes graphs at random, right ones and wrong ones, of denoisers that cost nothing."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.graph = Graph()
        self.count = 0

    def add(self, kind, *links, **inputs) -> str:
        self.count += 1
        name = f"n{self.count}"
        self.graph = self.graph.add(name, kind, **inputs)
        for source, target in links:
            self.graph = self.graph.connect(f"{source} -> {name}.{target}")
        return name

    def side(self) -> int:
        return self.random.choice([8, 8, 8, 8, 12])

    def mostly(self, usual, *others):
        return self.random.choice([usual] * 4 + list(others))

    def picture(self) -> str:
        kind = self.random.randrange(4)
        if kind == 0:
            start = self.noise()
            gaussian = self.add("ExactGaussian")
            return (
                self.add("IterativeSampler", (f"{gaussian}.denoiser", "denoiser"), (start, "start"), steps=2) + ".image"
            )
        image = self.add("LoadImage", path=PICTURE, size=self.side(), color=self.mostly("grey", "RGB")) + ".image"
        if kind == 1:
            return self.add("Transform", (image, "image"), view="rotate_90") + ".image"
        if kind == 2:
            return self.add("Resize", (image, "image"), width=self.side()) + ".image"
        return image

    def noise(self) -> str:
        return (
            self.add(
                "PureNoise",
                size=self.side(),
                batch=self.mostly(1, 2, 3),
                channels=self.mostly(1, 3),
                seed=self.random.randrange(99),
            )
            + ".noisy"
        )

    def mask(self) -> str:
        return self.add("RectangleMask", size=self.side(), width=4) + ".mask"

    def denoiser(self, depth: int) -> str:
        make = self.random.choice(self.LEAVES if depth == 0 else self.COMPOSITIONS)
        return make(self, depth - 1) + ".denoiser"

    def gaussian(self, depth):
        links = [(self.picture(), "mean")] if self.random.random() < 0.4 else []
        return self.add("ExactGaussian", *links, schedule=self.mostly("linear", "cosine"), sigma=0.5)

    def guidance(self, depth):
        return self.add(
            "CFGCombine",
            (self.denoiser(depth), "conditional"),
            (self.denoiser(depth), "unconditional"),
            scale=self.mostly(2.0, 1.0),
        )

    def rescaling(self, depth):
        return self.add(
            "CFGRescale",
            (self.denoiser(depth), "guided"),
            (self.denoiser(depth), "conditional"),
            share=self.mostly(0.5, 0.0),
        )

    def interval(self, depth):
        first, last = self.random.choice([(999, 0), (600, 0), (10, 20), (400, 300)])
        return self.add(
            "When", (self.denoiser(depth), "inside"), (self.denoiser(depth), "outside"), first=first, last=last
        )

    def parts(self, depth, name="parts"):
        return [(self.denoiser(depth), f"{name}[{index}]") for index in range(self.mostly(2, 1, 3))]

    def weighted(self, depth):
        base = [(self.denoiser(depth), "base")] if self.random.random() < 0.5 else []
        return self.add(
            "WeightedSum",
            *self.parts(depth),
            *base,
            weights=self.random.choice([[0.5, 0.5], [0.5, 0.5], [1.0], [1.0, 1.0]]),
        )

    def perp_neg(self, depth):
        return self.add(
            "PerpNeg",
            (self.denoiser(depth), "positive"),
            (self.denoiser(depth), "unconditional"),
            *self.parts(depth, "negatives"),
            weights=self.random.choice([[], [1.0, 0.0], [1.0]]),
        )

    def views(self, depth):
        return self.add(
            "MultiView",
            *self.parts(depth),
            views=["identity", "rotate_90"],
            reduction=self.mostly("mean", "alternate", "alternate"),
        )

    def flips(self, depth):
        return self.add("FlipAverage", (self.denoiser(depth), "upright"), (self.denoiser(depth), "flipped"))

    def region(self, depth):
        return self.add(
            "RegionBlend", (self.denoiser(depth), "inside"), (self.denoiser(depth), "outside"), (self.mask(), "mask")
        )

    def regions(self, depth):
        return self.add(
            "Regions", *self.parts(depth), *[(self.mask(), f"masks[{i}]") for i in range(self.mostly(1, 2))]
        )

    def factors(self, depth):
        return self.add(
            "Factorize",
            *self.parts(depth),
            by=self.mostly("low, high", "grey, colour", "motion, rest"),
            base=self.mostly(0, 64),
            kernel=self.mostly(3, 4, None),
        )

    def inpainting(self, depth):
        return self.add(
            "MaskBlend",
            (self.denoiser(depth), "denoiser"),
            (self.picture(), "image"),
            (self.mask(), "mask"),
            mode=self.mostly("after", "paste"),
            preset=self.mostly("none", "CS180"),
        )

    def coarse(self, depth):
        return self.add("ILVR", (self.denoiser(depth), "denoiser"), (self.picture(), "image"), factor=self.mostly(4, 3))

    def inverse(self, depth):
        return self.add(
            "HybridInverse",
            (self.denoiser(depth), "denoiser"),
            (self.picture(), "image"),
            keep=self.mostly("low", "grey"),
            kernel=3,
            base=self.mostly(0, 64),
        )

    def tiles(self, depth):
        return self.add("Tile", (self.denoiser(depth), "denoiser"), size=self.mostly(8, 4), stride=self.mostly(4, 8, 9))

    def formula(self, depth):
        mask = [(self.mask(), "mask")] if self.random.random() < 0.5 else []
        text = self.random.choice(["b + s*(a-b)", "a if t > 500 else b", "mask*a + (1-mask)*b", "a", "a + 0*c"])
        return self.add("Formula", (self.denoiser(depth), "a"), (self.denoiser(depth), "b"), *mask, formula=text)

    LEAVES = (gaussian,)
    COMPOSITIONS = (
        gaussian,
        guidance,
        rescaling,
        interval,
        weighted,
        perp_neg,
        views,
        flips,
        region,
        regions,
        factors,
        inpainting,
        coarse,
        inverse,
        tiles,
        formula,
    )

    def whole(self) -> Graph:
        denoiser = self.denoiser(self.random.choice([1, 1, 2]))
        end = self.random.randrange(6)
        if end == 0:
            picture = self.picture()
            made = self.add("DDIMInversion", (denoiser, "denoiser"), (picture, "image"), steps=2)
        elif end == 1:
            start = (
                self.add(
                    "AddNoise",
                    (self.picture(), "image"),
                    t=self.mostly(400, 0),
                    schedule=self.mostly("linear", "cosine"),
                )
                + ".noisy"
            )
            made = self.add(self.mostly("OneStepDenoise"), (denoiser, "denoiser"), (start, "noisy"))
        else:
            settings = self.random.choice(
                [
                    {},
                    {},
                    {},
                    {"method": "ddim", "eta": 0.5},
                    {"eta": 0.5},
                    {"repeats": 2, "jump": 1},
                    {"repeats": 2},
                    {"timesteps": [500, 100]},
                    {"timesteps": [100, 500]},
                    {"preset": "IF pipeline", "clip": "none"},
                    {"timesteps": [500], "end": 500},
                ]
            )
            made = self.add(
                "IterativeSampler", (denoiser, "denoiser"), (self.noise(), "start"), **{"steps": 2, **settings}
            )
        if end:
            texts = {self.mostly("headings", "captions"): self.mostly(["x"], ["x", "y"])}
            self.add("ImageGrid", (f"{made}.image", "images[0]"), **texts)
        for node in list(self.graph.nodes):
            if self.random.random() < 0.03:
                self.graph = self.graph.with_mode(node, self.random.choice(["mute", "bypass"]))
        return self.graph


@pytest.mark.parametrize("seed", range(8))
def test_what_is_foreseen_to_be_wrong_fails_in_a_run(registry, blind, seed):
    outcomes = Counter()
    with Session(blind) as session, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(60):
            graph = Maker(1000 * seed + number).whole()
            wrong = [problem for problem in check(graph, registry) if problem.kind == "error"]
            if check(graph, blind):  # what has always been told
                continue
            try:
                session.run(graph, keep="targets")
                failed, skipped = {}, {}
            except RunFailed as error:
                failed, skipped = error.result.failed, error.result.skipped
            outcomes[bool(wrong), bool(failed)] += 1
            for problem in wrong:  # what fails before a node hides whether it would have failed
                place = json.dumps(graph.model_dump(mode="json"))
                assert problem.node in failed or problem.node in skipped, f"{problem} of {place}"
    assert registry.problems == ()
    assert outcomes[True, True] > 5 and outcomes[False, False] > 3
    assert outcomes[False, True] < outcomes[True, True], outcomes  # most of what fails has been told


def test_batches_of_digits_as_a_run_has_them(registry, blind):
    with Session(blind) as session:
        for digits in ("", "3", "3,4", "0-2"):
            for batch in (1, 2, 3):
                for scale in (1.0, 2.0):
                    graph = combined(
                        "CFGCombine",
                        "d.denoiser -> mix.unconditional",
                        "e.denoiser -> mix.conditional",
                        noise={"size": 28, "batch": batch},
                        scale=scale,
                        more={
                            "d": ("UNetMNIST", {"digit": digits}),
                            "e": ("UNetMNIST", {"digit": "5"}),
                            "sample": ("IterativeSampler", {"timesteps": [500]}),
                        },
                    )
                    wrong = told(graph, registry)
                    try:
                        session.run(graph)
                    except RunFailed:
                        assert wrong
                    else:
                        assert not wrong
