"""DeepFloyd IF in graphs: one file from a prompt to a large picture, with one value for each checkpoint."""

from typing import Annotated

import pytest
import torch
from diffusers.schedulers import scheduling_ddpm
from if_pipelines import PIPELINES, largest, loaded, prompt
from pydantic import Field
from tiny_if import tiny_unet
from tiny_t5 import write_text_encoder

from nodegraph import CheckFailed, Context, Graph, Session, check, load_plugins, node
from nodegraph.events import NodeProgress
from nodegraph_nodes import text as text_nodes
from nodegraph_nodes.ops import embeddings
from nodegraph_nodes.types import Conditioning


@node("Told", category="Tests", outputs="conditioning")
def told_by_number(number: Annotated[int, Field(description="names the prompt")] = 1) -> Conditioning:
    """A prompt that no text encoder has seen."""
    return prompt(number, said=[f"words {number}"])


@pytest.fixture(scope="module")
def registry():
    made = load_plugins(only=["nodegraph"])
    made.declare(told_by_number, "tests")
    return made


def two_stages(first, second):
    """A text becomes a small picture, and that a larger one, both guided; one value names each checkpoint."""
    sampler = {"steps": 10, "preset": "IF pipeline"}
    return Graph(
        nodes={
            "words": {"type": "Told", "inputs": {"number": 1}},
            "nothing": {"type": "Told", "inputs": {"number": 2}},
            "first": {"type": "Text", "inputs": {"value": str(first)}},
            "second": {"type": "Text", "inputs": {"value": str(second)}},
            "c": {"type": "IFStage1"},
            "u": {"type": "IFStage1"},
            "guide": {"type": "CFGCombine", "inputs": {"scale": 7.0}},
            "noise": {"type": "PureNoise", "inputs": {"size": 16, "channels": 3}},
            "small": {"type": "IterativeSampler", "inputs": sampler},
            "c2": {"type": "IFStage2", "inputs": {"size": 32}},
            "u2": {"type": "IFStage2", "inputs": {"size": 32}},
            "guide2": {"type": "CFGCombine", "inputs": {"scale": 4.0}},
            "noise2": {"type": "PureNoise", "inputs": {"size": 32, "channels": 3, "seed": 5}},
            "large": {"type": "IterativeSampler", "inputs": {**sampler, "seed": 6}},
        },
        links=[
            *("first.value -> c.checkpoint", "first.value -> u.checkpoint"),
            *("second.value -> c2.checkpoint", "second.value -> u2.checkpoint"),
            *("words.conditioning -> c.conditioning", "nothing.conditioning -> u.conditioning"),
            *("c.denoiser -> guide.conditional", "u.denoiser -> guide.unconditional"),
            *("guide.denoiser -> small.denoiser", "noise.noisy -> small.start"),
            *("words.conditioning -> c2.conditioning", "nothing.conditioning -> u2.conditioning"),
            *("small.image -> c2.image", "small.image -> u2.image"),
            *("c2.denoiser -> guide2.conditional", "u2.denoiser -> guide2.unconditional"),
            *("guide2.denoiser -> large.denoiser", "noise2.noisy -> large.start"),
        ],
    )


def seeded(*seeds):
    """A function that draws as `randn_tensor` does, once from each seed, and on from the last one."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def draw(shape, generator=None, device=None, dtype=None):
        return torch.randn(tuple(shape), generator=generators[0] if len(generators) == 1 else generators.pop(0))

    return draw


def test_a_graph_draws_what_the_pipelines_draw_from_its_seeds(first, second, registry, monkeypatch):
    """Two stages in a session, node by node: all that the pipelines are given is the noise that its seeds name."""
    graph = two_stages(first, second)
    assert check(graph, registry) == []
    with Session(registry) as session:
        result = session.run(graph.set("c", variant="").set("u", variant=""), device="cpu")
        held = session.resources.held_bytes
    unets_bytes = [sum(weight.nbytes for weight in tiny_unet(stage).parameters()) for stage in (1, 2)]
    assert held == sum(unets_bytes)  # two leaves of a stage share a network

    told = {"prompt_embeds": prompt(1).embedding, "negative_prompt_embeds": prompt(2).embedding, "output_type": "pt"}
    text, upscale = PIPELINES[0], PIPELINES[3]
    monkeypatch.setattr(text.module, "randn_tensor", seeded(0))
    monkeypatch.setattr(scheduling_ddpm, "randn_tensor", seeded(1))
    expected = loaded(text, first)(num_inference_steps=10, guidance_scale=7.0, **told).images
    assert largest(result["small", "image"].pixels, expected) < 1e-3
    monkeypatch.setattr(upscale.module, "randn_tensor", seeded(5, 3))
    monkeypatch.setattr(scheduling_ddpm, "randn_tensor", seeded(6))
    larger = loaded(upscale, second)(
        image=expected, height=32, width=32, num_inference_steps=10, guidance_scale=4.0, noise_level=250, **told
    ).images
    assert largest(result["large", "image"].pixels, larger) < 1e-3
    assert float(larger.std()) > 0.1


def test_a_run_tells_what_it_costs(first, second, registry):
    events = []
    Session(registry).run(two_stages(first, second), targets=["small"], emit=events.append, device="cpu")
    texts = [event.text for event in events if isinstance(event, NodeProgress) and event.node == "small"]
    assert texts[0] == "10 steps: 10 network calls, 20 pictures in them"


def test_a_graph_fails_with_a_line_before_any_weight_is_read(first, second, registry, unread):
    graph = two_stages(first, second)
    for changed, node_id, message in (
        (graph.set("noise", size=20), "small", "start is 20 x 20, must be divisible by 8"),
        (graph.set("noise", channels=1), "small", "1 channel"),
        (graph.set("first", value=str(second)), "c", "enlarges pictures and is for IFStage2"),
    ):
        with pytest.raises(CheckFailed) as raised:
            Session(registry).run(changed, targets=["small"], device="cpu")
        assert node_id in str(raised.value) and message in str(raised.value)


def test_an_encoded_prompt_is_loaded_and_drawn(first, registry, tmp_path):
    """The text encoder of the same folder, kept as a file, and the network: no part of a checkpoint is missing."""
    write_text_encoder(first)
    embedded = text_nodes.encode_prompt(Context(), "a photo of a dog", str(first))
    (tmp_path / "dog.safetensors").write_bytes(embeddings.to_bytes(embedded))
    graph = Graph(
        nodes={
            "words": {"type": "LoadEmbedding", "inputs": {"path": str(tmp_path / "dog.safetensors")}},
            "draw": {"type": "IFStage1", "inputs": {"checkpoint": str(first)}},
            "noise": {"type": "PureNoise", "inputs": {"size": 16, "channels": 3}},
            "sample": {"type": "IterativeSampler", "inputs": {"steps": 3, "preset": "IF pipeline"}},
        },
        links=["words.conditioning -> draw.conditioning", "draw.denoiser -> sample.denoiser",
               "noise.noisy -> sample.start"],
    )  # fmt: skip
    with Session(registry) as session:
        result = session.run(graph, device="cpu")
    assert result["sample", "image"].pixels.isfinite().all()
    assert result["draw", "denoiser"].name == 'IF "a photo of a dog"'
    assert torch.equal(result["draw", "denoiser"].inputs["prompts"], embedded.embedding)
