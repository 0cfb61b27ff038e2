"""Checkpoints: found in a folder or in the hub's cache, and refused with what would be right."""

import json
import os
import socket
import subprocess
import sys

import pytest
from checkpoint_folders import COMMIT, component_files, safetensors, write_checkpoint, write_files, write_snapshot
from tiny_t5 import sentencepiece_model

from nodegraph_nodes.ops.checkpoint_files import files_among, variant_in, weights_among
from nodegraph_nodes.ops.checkpoints import MissingCheckpoint, locate

IF = "DeepFloyd/IF-I-XL-v1.0"
STAGE = ["unet", "scheduler"]
TEXT = ["text_encoder", "tokenizer"]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The hub's cache of this test; and no network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    def refuse(*address):
        raise AssertionError(f"the network was asked: {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return tmp_path / "hub"


# What is found


def test_a_folder(tmp_path):
    write_checkpoint(tmp_path, "unet", "scheduler", "text_encoder", "tokenizer", variants=("", "fp16"))
    found = locate(str(tmp_path), STAGE)
    assert (found.folder, found.variant) == (tmp_path, "fp16")
    assert found.config("unet")["_class_name"] == "UNet2DConditionModel"
    assert found.config("scheduler")["_class_name"] == "DDPMScheduler"
    assert locate(str(tmp_path), TEXT).config("tokenizer")["tokenizer_class"] == "T5Tokenizer"


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize(
    "there, asked, used",
    [(("",), "fp16", ""), (("", "fp16"), "fp16", "fp16"), (("", "fp16"), "", ""), (("fp16",), "fp16", "fp16")],
)
def test_a_variant_is_used_where_there_is_one(tmp_path, shards, there, asked, used):
    write_checkpoint(tmp_path, "text_encoder", "tokenizer", variants=there, shards=shards)
    found = locate(str(tmp_path), TEXT, variant=asked)
    assert (found.variant, found.variant_of("text_encoder"), found.variant_of("tokenizer")) == (used, used, "")


def test_each_component_has_its_own_variant(tmp_path):
    write_checkpoint(tmp_path, "unet", variants=("fp16",))
    write_checkpoint(tmp_path, "text_encoder")
    found = locate(str(tmp_path), ["unet", "text_encoder"])
    assert (found.variant_of("unet"), found.variant_of("text_encoder"), found.variant) == ("fp16", "", "")


def test_a_part_that_may_be_absent(tmp_path):
    write_checkpoint(tmp_path, "safety_checker")
    assert not locate(str(tmp_path), ["safety_checker", "watermarker?"]).has("watermarker")
    write_checkpoint(tmp_path, "watermarker")
    assert locate(str(tmp_path), ["safety_checker", "watermarker?"]).has("watermarker")
    next((tmp_path / "watermarker").glob("*.safetensors")).unlink()
    with pytest.raises(ValueError, match="holds no weights in watermarker/"):
        locate(str(tmp_path), ["safety_checker", "watermarker?"])


@pytest.mark.parametrize("revision", ["main", "v1.0", "refs/pr/3"])
def test_a_snapshot_in_the_cache_of_the_hub(cache, revision):
    folder = write_snapshot(cache, IF, *STAGE, revision=revision)
    found = locate(IF, STAGE, revision)
    assert (found.folder, found.identity) == (folder, COMMIT)
    assert locate(IF, STAGE, COMMIT) == found


def test_links_to_blobs_are_followed(cache):
    folder = write_snapshot(cache, IF, *STAGE)
    blob = cache / "blob"
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(blob)
    weights.symlink_to(blob)
    assert locate(IF, STAGE).folder == folder
    blob.unlink()
    with pytest.raises(MissingCheckpoint, match="holds no weights in unet/"):
        locate(IF, STAGE)


def test_a_folder_comes_before_an_id_of_the_hub(cache, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_snapshot(cache, IF, *STAGE)
    write_checkpoint(tmp_path / IF, *STAGE)
    assert locate(IF, STAGE).identity != COMMIT


# Identity


def test_the_identity_of_a_folder_changes_with_what_is_in_the_components(tmp_path):
    write_checkpoint(tmp_path, *STAGE, "text_encoder")
    weights = tmp_path / "unet" / "diffusion_pytorch_model.safetensors"
    first = locate(str(tmp_path), STAGE).identity
    assert locate(str(tmp_path), STAGE).identity == first
    assert locate(str(tmp_path), STAGE).identity != locate(str(tmp_path), ["unet"]).identity
    os.utime(weights, ns=(1, 1))
    second = locate(str(tmp_path), STAGE).identity
    weights.write_bytes(safetensors(8))
    os.utime(weights, ns=(1, 1))
    assert len({first, second, locate(str(tmp_path), STAGE).identity}) == 3


def test_the_identity_of_a_folder_is_that_of_the_components_alone(tmp_path):
    write_checkpoint(tmp_path, *STAGE)
    first = locate(str(tmp_path), STAGE).identity
    write_checkpoint(tmp_path, "text_encoder")
    (tmp_path / "README.md").write_text("read me")
    assert locate(str(tmp_path), STAGE).identity == first


def test_other_weights_of_one_commit_have_another_identity(cache):
    folder = write_snapshot(cache, IF, *STAGE)
    plain = locate(IF, STAGE)
    write_checkpoint(folder, "unet", variants=("fp16",))
    half = locate(IF, STAGE)
    assert (plain.identity, half.identity) == (COMMIT, f"{COMMIT}+unet.fp16")
    assert locate(IF, STAGE, variant="").identity == COMMIT


# What is not here


def test_an_id_that_is_not_here_can_be_fetched(cache):
    with pytest.raises(MissingCheckpoint) as caught:
        locate(IF, [*STAGE, "watermarker?"])
    assert str(caught.value) == f"{IF} is not here; `nodegraph fetch FILE` downloads what a graph needs"
    assert caught.value.components == ("unet", "scheduler")


def test_another_revision_is_not_here(cache):
    write_snapshot(cache, IF, *STAGE)
    with pytest.raises(MissingCheckpoint, match=f"{IF} at v2 is not here"):
        locate(IF, STAGE, "v2")


def test_of_a_snapshot_only_what_is_lacking_is_missing(cache):
    write_snapshot(cache, IF, *STAGE)
    with pytest.raises(MissingCheckpoint, match="holds no text_encoder/") as caught:
        locate(IF, ["unet", *TEXT])
    assert caught.value.components == ("text_encoder", "tokenizer")


def test_a_damaged_file_of_a_snapshot_can_be_fetched_again(cache):
    folder = write_snapshot(cache, IF, *STAGE)
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(safetensors()[:-1])
    with pytest.raises(
        MissingCheckpoint, match=r"diffusion_pytorch_model\.safetensors is cut short: .*fetch"
    ) as caught:
        locate(IF, STAGE)
    assert caught.value.components == ("unet",)


# What is wrong


def refused(checkpoint, components, **given):
    """The message, of something that a download would not mend."""
    with pytest.raises(ValueError) as caught:
        locate(str(checkpoint), components, **given)
    assert not isinstance(caught.value, MissingCheckpoint)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_text_encoder_without_unet(tmp_path):
    write_checkpoint(tmp_path, *TEXT)
    assert refused(tmp_path, STAGE) == (
        f"{tmp_path} holds no unet/, which should be a U-Net (UNet2DConditionModel); it holds text_encoder, tokenizer; "
        "must be a checkpoint as diffusers writes it, with unet/, scheduler/"
    )


def test_what_is_there_is_told_in_full(tmp_path):
    write_checkpoint(tmp_path, "scheduler", "feature_extractor")
    assert refused(tmp_path, STAGE).endswith("; it holds feature_extractor, scheduler")


def test_a_folder_is_found_from_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_checkpoint(tmp_path / "first", *STAGE)
    assert locate("~/first", STAGE).folder == tmp_path / "first"


def test_another_folder(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"")
    message = refused(tmp_path, STAGE)
    assert message.endswith("must be a checkpoint as diffusers writes it, with unet/, scheduler/")


def test_the_folder_of_one_component(tmp_path):
    write_checkpoint(tmp_path, *STAGE)
    assert refused(tmp_path / "unet", STAGE).endswith(f"it is one component, give the folder above it: {tmp_path}")


def test_the_folder_above(tmp_path):
    write_checkpoint(tmp_path / "if", *STAGE)
    assert refused(tmp_path, STAGE).endswith(f"give the folder in it that does: {tmp_path / 'if'}")


def test_a_folder_of_the_cache(cache):
    snapshot = write_snapshot(cache, IF, *STAGE)
    repo = snapshot.parent.parent
    assert refused(repo, STAGE).endswith(f"give one of the folders in {repo / 'snapshots'}")


@pytest.mark.parametrize(
    "component, other, due",
    [
        ("unet", "text_encoder", "a T5EncoderModel, must be a U-Net (UNet2DConditionModel)"),
        ("text_encoder", "unet", "a UNet2DConditionModel, must be a text encoder (T5EncoderModel)"),
        ("safety_checker", "text_encoder", "a T5EncoderModel, must be a safety checker (IFSafetyChecker)"),
        ("tokenizer", "scheduler", "a DDPMScheduler, must be a tokenizer (T5Tokenizer)"),
        ("scheduler", "tokenizer", "a T5Tokenizer, must be a scheduler (DDPMScheduler)"),
    ],
)
def test_a_wrong_component(tmp_path, component, other, due):
    write_checkpoint(tmp_path, component)
    config = next(name for name in component_files(component) if name.endswith("config.json"))
    content = next(content for name, content in component_files(other).items() if name.endswith("config.json"))
    write_files(tmp_path, {config: content})
    assert refused(tmp_path, [component]) == f"{tmp_path / config} describes {due}"


def test_pickles_are_named_and_not_opened(tmp_path):
    write_checkpoint(tmp_path, *STAGE)
    (tmp_path / "unet" / "diffusion_pytorch_model.safetensors").rename(
        tmp_path / "unet" / "diffusion_pytorch_model.bin"
    )
    message = refused(tmp_path, STAGE)
    assert "a pickle (diffusion_pytorch_model.bin), which could run code" in message
    assert message.endswith("must be .safetensors")


def test_a_pickle_under_another_name(tmp_path):
    write_checkpoint(tmp_path, *STAGE)
    write_files(tmp_path, {"unet/diffusion_pytorch_model.safetensors": b"\x80\x02}q\x00." + bytes(100)})
    assert "is a pickle (a PyTorch .pt or .ckpt), which could run code" in refused(tmp_path, STAGE)


def test_a_missing_part_of_several(tmp_path):
    write_checkpoint(tmp_path, *TEXT, shards=3)
    (tmp_path / "text_encoder" / "model-00002-of-00003.safetensors").unlink()
    assert refused(tmp_path, TEXT) == (
        f"{tmp_path} is half-downloaded: text_encoder/model-00002-of-00003.safetensors is not there, "
        "which model.safetensors.index.json names"
    )
    (tmp_path / "text_encoder" / "model.safetensors.index.json").unlink()
    assert "lacks the index of text_encoder/model-00001-of-00003.safetensors" in refused(tmp_path, TEXT)


@pytest.mark.parametrize("begun", ["unet/w.safetensors.incomplete", ".cache/huggingface/download/unet/x.incomplete"])
def test_a_half_downloaded_folder(tmp_path, begun):
    write_checkpoint(tmp_path, *STAGE)
    (tmp_path / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    write_files(tmp_path, {begun: b""})
    assert refused(tmp_path, STAGE) == f"{tmp_path} is half-downloaded: {begun} was begun and never finished"


@pytest.mark.parametrize(
    "content, told",
    [
        (safetensors()[:-1], "is cut short: "),
        (safetensors()[:30], "which is less than its header"),
        (safetensors() + b"x", "has bytes behind its end"),
        (b"", "is empty, as a download leaves it that was cut short; download it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "is a pointer of Git LFS, which stands for"),
        (b"\x08" + bytes(7) + b"not json", "its header cannot be read"),
        (b"\x02" + bytes(7) + b"[]", "its header cannot be read"),
        (b"\x0a" + bytes(7) + b'{"w": {} }', "its header cannot be read"),
    ],
)
def test_damaged_weights(tmp_path, content, told):
    write_checkpoint(tmp_path, *STAGE)
    write_files(tmp_path, {"unet/diffusion_pytorch_model.safetensors": content})
    message = refused(tmp_path, STAGE)
    assert told in message and "diffusion_pytorch_model.safetensors" in message


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("name", ["unet/config.json", "unet/diffusion_pytorch_model.safetensors.index.json"])
def test_damaged_json(tmp_path, name, content):
    write_checkpoint(tmp_path, *STAGE, shards=2)
    write_files(tmp_path, {name: content})
    assert str(tmp_path / name) in refused(tmp_path, STAGE)


@pytest.mark.parametrize("weight_map", [None, {}, {"w": "../../secret.safetensors"}, {"w": 3}, {"w": "model.bin"}])
def test_an_index_that_names_other_things(tmp_path, weight_map):
    write_checkpoint(tmp_path, *STAGE, shards=2)
    index = json.dumps({"weight_map": weight_map}).encode()
    write_files(tmp_path, {"unet/diffusion_pytorch_model.safetensors.index.json": index})
    assert "index.json names" in refused(tmp_path, STAGE)


def test_only_another_variant(tmp_path):
    write_checkpoint(tmp_path, "unet", variants=("fp16",))
    assert refused(tmp_path, ["unet"], variant="").endswith("as fp16 only; set variant to fp16")


def test_a_tokenizer_without_its_vocabulary(tmp_path):
    write_checkpoint(tmp_path, *TEXT)
    (tmp_path / "tokenizer" / "spiece.model").unlink()
    assert "neither spiece.model nor tokenizer.json" in refused(tmp_path, TEXT)
    write_files(tmp_path, {"tokenizer/tokenizer.json": b"{}"})
    assert locate(str(tmp_path), TEXT).has("tokenizer")


def test_an_empty_vocabulary_is_what_a_cut_download_leaves(tmp_path):
    write_checkpoint(tmp_path, *TEXT)
    (tmp_path / "tokenizer" / "spiece.model").write_bytes(b"")
    assert "spiece.model is empty" in refused(tmp_path, TEXT)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"no model" * 100,
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2 + 1],
        lambda content: content[:5],
        lambda content: content + b"more",
        lambda content: b"version https://git-lfs.github.com/spec/v1\n",
        lambda content: b"\x0a" + b"\xff" * 40,
    ],
)
def test_a_vocabulary_that_is_none_is_told_without_sentencepiece(tmp_path, spoil, monkeypatch):
    write_checkpoint(tmp_path, *TEXT)
    path = tmp_path / "tokenizer" / "spiece.model"
    path.write_bytes(sentencepiece_model())
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    assert locate(str(tmp_path), TEXT).has("tokenizer")
    path.write_bytes(spoil(path.read_bytes()))
    assert str(path) in refused(tmp_path, TEXT)


@pytest.mark.parametrize(
    "name",
    ["", " ", "nowhere", "./DeepFloyd/IF", "/no/such/folder", "a/b/c", "~nobody/if", "a\0/b", "x" * 5000, "a/../b"],
)
def test_neither_a_folder_nor_an_id(cache, name):
    assert "no folder that is here, and no id of the hub such as DeepFloyd/IF-I-XL-v1.0" in refused(name, STAGE)


def test_a_file_in_place_of_a_folder(tmp_path):
    write_files(tmp_path, {"if.safetensors": safetensors()})
    said = refused(tmp_path / "if.safetensors", STAGE)
    assert "is a single file of weights, which is not read; must be the folder that holds unet/" in said


@pytest.mark.parametrize("revision", ["", "../../secret", "a/../b", "/etc", "a b", "-x"])
def test_a_revision_leads_nowhere_else(cache, revision):
    write_snapshot(cache, IF, *STAGE)
    assert "must be a branch, a tag or a commit" in refused(IF, STAGE, revision=revision)


# Which files


def test_the_files_of_the_real_folders_of_if():
    files = [
        ".gitattributes",
        "model_index.json",
        "text_encoder/config.json",
        "text_encoder/model-00001-of-00002.safetensors",
        "text_encoder/model-00002-of-00002.safetensors",
        "text_encoder/model.fp16-00001-of-00002.safetensors",
        "text_encoder/model.fp16-00002-of-00002.safetensors",
        "text_encoder/model.safetensors.index.json",
        "text_encoder/model.safetensors.index.fp16.json",
        "text_encoder/pytorch_model-00001-of-00002.bin",
        "text_encoder/pytorch_model.bin.index.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model.safetensors",
        "unet/onnx/model.safetensors",
        "tokenizer/special_tokens_map.json",
        "tokenizer/spiece.model",
        "tokenizer/tokenizer_config.json",
    ]
    assert files_among(files, "text_encoder", "fp16") == [
        "text_encoder/config.json",
        "text_encoder/model.fp16-00001-of-00002.safetensors",
        "text_encoder/model.fp16-00002-of-00002.safetensors",
        "text_encoder/model.safetensors.index.fp16.json",
    ]
    assert files_among(files, "text_encoder", "") == [
        "text_encoder/config.json",
        "text_encoder/model-00001-of-00002.safetensors",
        "text_encoder/model-00002-of-00002.safetensors",
        "text_encoder/model.safetensors.index.json",
    ]
    assert files_among(files, "unet", "bf16") == ["unet/config.json", "unet/diffusion_pytorch_model.safetensors"]
    assert files_among(files, "tokenizer", "fp16") == [name for name in files if name.startswith("tokenizer/")]


@pytest.mark.parametrize(
    "name, variant",
    [
        ("model.safetensors", ""),
        ("model.fp16.safetensors", "fp16"),
        ("diffusion_pytorch_model.non_ema.safetensors", "non_ema"),
        ("model-00001-of-00002.safetensors", ""),
        ("model.fp16-00001-of-00002.safetensors", "fp16"),
        ("diffusion_pytorch_model-00001-of-00002.fp16.safetensors", "fp16"),
        ("model.safetensors.index.json", ""),
        ("model.safetensors.index.fp16.json", "fp16"),
        ("diffusion_pytorch_model.fp16.safetensors.index.json", "fp16"),
    ],
)
def test_variants_in_names(name, variant):
    assert variant_in(name) == variant
    found = weights_among([name, "config.json", "x.bin"], variant)
    assert found is not None and found.variant == variant


def test_looking_needs_neither_torch_nor_the_hub_of_it():
    code = (
        "import sys; from nodegraph_nodes.ops.checkpoints import locate\n"
        "try: locate('a/b', ['unet'])\nexcept ValueError: pass\n"
        "print(sorted({'torch', 'numpy', 'diffusers', 'transformers', 'httpx2', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
