"""IF's safety checker and watermark: the same as diffusers' pipeline does with the same folder, or an error."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_safety import make_checker, write_safety

import nodegraph
from nodegraph import Context, OutOfMemory, png
from nodegraph.outputs import OutputFolder
from nodegraph_nodes.ops import safety
from nodegraph_nodes.ops.checkpoints import locate
from nodegraph_nodes.ops.pictures import encode_png, read_picture, to_bytes
from nodegraph_nodes.ops.safety import load_checker, load_extractor, load_watermarker
from nodegraph_nodes.safety import if_safety_checker
from nodegraph_nodes.types import Image

COMPONENTS = ["safety_checker", "feature_extractor", "watermarker?"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_safety(tmp_path_factory.mktemp("checkpoint"), variants=("", "fp16"))


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copied"))


def pictures(side: int = 64, wide: int | None = None) -> torch.Tensor:
    """Black, white, red and blue, with a little noise, some of it outside [-1, 1]."""
    colours = torch.tensor([[-1, -1, -1], [1, 1, 1], [1, -1, -1], [-1, -1, 0.0]])
    noise = torch.randn((4, 3, side, wide or side), generator=torch.Generator().manual_seed(1))
    return colours[:, :, None, None] + 0.1 * noise


def run(image: torch.Tensor, folder: Path, **inputs: object) -> tuple[torch.Tensor, list[bool], str]:
    checked, flagged, told = if_safety_checker(Context(), Image(image), str(folder), variant="", **inputs)
    assert checked.space == "pixels" and checked.pixels.dtype == torch.float32
    return checked.pixels, flagged, told


class SomeUNet(torch.nn.Module):
    """What a pipeline needs to be made, and to know how large its pictures are."""

    config = type("Config", (), {"sample_size": 64})
    dtype = torch.float32


@pytest.fixture(scope="module")
def pipeline(folder: Path) -> object:
    from diffusers import DDPMScheduler, IFPipeline

    found = locate(str(folder), COMPONENTS, variant="")
    return IFPipeline(
        tokenizer=None,
        text_encoder=None,
        unet=SomeUNet(),
        scheduler=DDPMScheduler(),
        safety_checker=load_checker(found),
        feature_extractor=load_extractor(found),
        watermarker=load_watermarker(found),
    )


def shown_by(pipeline: object, image: torch.Tensor, watermark: bool) -> tuple[np.ndarray, list[bool], list[bool]]:
    """Steps 8 to 11 of IFPipeline.__call__ with output_type "pil", or with "np" without a watermark."""
    image = (image / 2 + 0.5).clamp(0, 1)
    image = image.cpu().permute(0, 2, 3, 1).float().numpy()
    image, indecent, marked = pipeline.run_safety_checker(image, "cpu", torch.float32)
    if watermark:
        drawn = pipeline.watermarker.apply_watermark(pipeline.numpy_to_pil(image), pipeline.unet.config.sample_size)
        image = np.stack([np.asarray(one) for one in drawn])
    return image, indecent, marked


# The same as diffusers


@pytest.mark.parametrize(("side", "wide"), [(64, None), (64, 96), (96, 64), (128, None)])
def test_it_does_what_the_pipeline_does(pipeline, folder, side, wide):
    expected, indecent, marked = shown_by(pipeline, pictures(side, wide), watermark=True)
    pixels, flagged, told = run(pictures(side, wide), folder)
    assert torch.equal(to_bytes(pixels), torch.from_numpy(expected).permute(0, 3, 1, 2))
    assert (indecent, marked) == ([False, True, False, False], [False, False, True, False])
    assert flagged == [False, True, True, False]
    assert told == "2 of 4 flagged and made black, watermarked"
    black = pixels[1:3, :, : side // 2, : (wide or side) // 2]
    assert torch.equal(black, torch.full_like(black, -1.0))
    unmarked, _, _ = run(pictures(side, wide), folder, watermark=False)
    changed = (pixels - unmarked).abs().amax((0, 1)) > 0.05
    rows, columns = changed.nonzero().T
    assert rows.min() > 0.8 * side and columns.min() > 0.8 * (wide or side), "the mark is in the lower right corner"


def test_without_a_watermark_pictures_that_are_not_flagged_keep_their_depth(pipeline, folder):
    image = pictures()
    expected, _, _ = shown_by(pipeline, image, watermark=False)
    pixels, flagged, told = run(image, folder, watermark=False)
    assert torch.equal(pixels, torch.from_numpy(expected).permute(0, 3, 1, 2) * 2 - 1)
    torch.testing.assert_close(pixels[[0, 3]], image[[0, 3]].clamp(-1, 1), rtol=0, atol=2e-7)
    assert flagged == [False, True, True, False]
    assert told == "2 of 4 flagged and made black, no watermark, since it is switched off"


def test_a_picture_is_judged_alike_alone_and_among_many(folder):
    many = torch.cat([pictures()] * 5)
    pixels, flagged, _ = run(many, folder)
    alone = [run(one[None], folder) for one in pictures()]
    assert flagged == [False, True, True, False] * 5
    assert torch.equal(pixels, torch.cat([one for one, _, _ in alone] * 5))


def test_what_is_given_stays_as_it_is(folder):
    image = pictures()
    before = image.clone()
    run(image, folder)
    assert torch.equal(image, before)


# Loading


def test_the_checker_loads_with_transformers_5_with_all_its_weights(folder):
    """It lacks `post_init`, so that diffusers' own class does not load."""
    loaded = load_checker(locate(str(folder), COMPONENTS, variant="")).state_dict()
    stored = load_file(folder / "safety_checker" / "model.safetensors")
    assert {"p_head.weight", "w_head.bias", "vision_model.visual_projection.weight"} < set(stored)
    assert set(stored) - set(loaded) == {"vision_model.vision_model.embeddings.position_ids"}
    for name, value in loaded.items():
        assert value.dtype == torch.float32 and torch.equal(value, stored[name]), name


def test_half_precision_weights_are_computed_with_in_full(folder):
    """The config names float16, as the real one does; with another dtype than the pictures' nothing would run."""
    loaded = load_checker(locate(str(folder), COMPONENTS, variant="fp16"))
    assert not loaded.training
    stored = load_file(folder / "safety_checker" / "model.fp16.safetensors")
    for name, value in loaded.state_dict().items():
        assert stored[name].dtype == torch.float16
        assert value.dtype == torch.float32 and torch.equal(value, stored[name].float()), name
    _, flagged, _ = if_safety_checker(Context(), Image(pictures()), str(folder))
    assert flagged == [False, True, True, False]


def test_the_checker_is_loaded_once_and_kept_in_the_store(folder):
    context = Context()
    for _ in range(2):
        if_safety_checker(context, Image(pictures()), str(folder))
    assert len(context.resources) == 1
    assert context.resources.held_bytes >= sum(value.nbytes for value in make_checker().state_dict().values())


def test_pictures_are_looked_at_in_halves_when_memory_does_not_hold_them_all(folder, monkeypatch):
    expected = run(pictures(), folder)
    look, looked = safety.blackened, []

    def blackened(shown, *given):
        looked.append(len(shown))
        if len(shown) > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return look(shown, *given)

    monkeypatch.setattr(safety, "blackened", blackened)
    room = 3
    found = run(pictures(), folder)
    assert looked == [4, 2, 2]
    assert torch.equal(found[0], expected[0]) and found[1:] == expected[1:]
    room = 0
    with pytest.raises(OutOfMemory, match=r"for one picture in the safety checker; .* it holds IFSafetyChecker"):
        run(pictures(), folder)


def test_nothing_is_said_but_by_the_verdict(folder, capfd):
    run(pictures(), folder)
    assert "".join(capfd.readouterr()) == ""


# The watermark


def test_a_missing_watermarker_is_told_and_is_no_failure(copied):
    shutil.rmtree(copied / "watermarker")
    pixels, flagged, told = run(pictures(), copied)
    assert flagged == [False, True, True, False]
    assert told == f"2 of 4 flagged and made black, no watermark, since {copied} holds no watermarker"
    assert torch.equal(pixels, run(pictures(), copied, watermark=False)[0])


@pytest.mark.parametrize("side", [16, 32, 63])
def test_pictures_too_small_for_a_watermark_are_told(folder, side):
    pixels, _, told = run(pictures(side)[:1], folder)
    assert told == f"none flagged, no watermark, since {side} pixels are too few for it"
    assert pixels.shape == (1, 3, side, side)


# What is refused


def test_what_is_no_finished_picture_is_refused(folder):
    with pytest.raises(ValueError, match="image is in the space latent:sd, must be pixels"):
        if_safety_checker(Context(), Image(torch.zeros(1, 4, 8, 8), "latent:sd"), str(folder))
    with pytest.raises(ValueError, match="image has 1 channel, must have 3: the safety checker looks at RGB"):
        run(torch.zeros(1, 1, 64, 64), folder)
    with pytest.raises(ValueError, match="image holds values that are no numbers"):
        run(torch.full((1, 3, 64, 64), float("nan")), folder)


def without(weights: Path, name: str) -> None:
    kept = {key: value for key, value in load_file(weights).items() if key != name}
    save_file(kept, weights, {"format": "pt"})


def test_a_checker_that_would_not_check_is_refused(copied):
    """A head that is missing in the file would be made of random numbers, and pictures pass by chance."""
    without(copied / "safety_checker" / "model.safetensors", "p_head.weight")
    with pytest.raises(
        ValueError, match=r"safety_checker lacks the weight p_head.weight, without which pictures would"
    ):
        run(pictures(), copied)


def test_a_checker_of_another_shape_is_refused(copied):
    config = copied / "safety_checker" / "config.json"
    said = json.loads(config.read_text())
    said["vision_config"]["projection_dim"] = 8
    config.write_text(json.dumps(said))
    with pytest.raises(ValueError, match=r"safety_checker (cannot be loaded: |lacks the weight)"):
        run(pictures(), copied)


def test_folders_that_lack_something_are_refused_before_anything_is_loaded(copied, tmp_path):
    with pytest.raises(ValueError, match="holds no safety_checker/"):
        run(pictures(), tmp_path)
    shutil.rmtree(copied / "feature_extractor")
    with pytest.raises(ValueError, match="holds no feature_extractor/"):
        run(pictures(), copied)


def test_an_extractor_that_is_none_is_refused(copied):
    (copied / "feature_extractor" / "preprocessor_config.json").write_text('{"size": "large"}')
    with pytest.raises(ValueError, match="feature_extractor cannot be loaded: "):
        run(pictures(), copied)


def test_a_watermarker_that_is_none_is_refused(copied):
    save_file({"other": torch.zeros(2)}, copied / "watermarker" / "diffusion_pytorch_model.safetensors")
    with pytest.raises(ValueError, match=r"watermarker cannot be loaded: .*watermark_image"):
        run(pictures(), copied)


# On the canvas


def test_a_graph_that_checks_what_it_saves(folder, tmp_path):
    for name, one in zip(("black", "white"), pictures(), strict=False):
        (tmp_path / f"{name}.png").write_bytes(encode_png(one[None]))
    nodes = {
        "load": {"type": "LoadImage", "inputs": {"path": "white.png"}},
        "check": {"type": "IFSafetyChecker", "inputs": {"checkpoint": str(folder)}},
        "save": {"type": "SaveImage", "inputs": {"name": "checked"}},
    }
    links = ["load.image -> check.image", "check.image -> save.image"]
    (tmp_path / "graph.json").write_text(json.dumps({"nodegraph": 1, "nodes": nodes, "links": links}))
    graph = nodegraph.load(tmp_path / "graph.json")
    folder_out = OutputFolder(tmp_path / "out")
    for name, flagged in (("white", True), ("black", False)):
        result = nodegraph.run(graph.set("load", path=f"{name}.png"), out=folder_out)
        assert result["check", "flagged"] == [flagged]
        saved = result["save", "path"]
        assert torch.equal(read_picture(saved), result["check", "image"].pixels)
        assert float(read_picture(saved)[..., :32, :32].max()) == -1.0 or not flagged
        assert png.extract(saved.read_bytes())
