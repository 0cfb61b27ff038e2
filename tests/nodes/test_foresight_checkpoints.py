"""What is foreseen of checkpoints that are here: for which stage, sizes and prompts they are, and whose weights."""

import json
from pathlib import Path

import pytest
from foretold import built, example, told

from nodegraph import Graph, load, save


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
