"""EncodePrompt: number for number what the pipeline encodes; loaded once, off the device again, kept on the disk."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from diffusers import IFPipeline
from tiny_t5 import sentencepiece_model, write_text_encoder
from torch import nn
from transformers import T5EncoderModel, T5Tokenizer

from nodegraph import Cancelled, CheckFailed, Context, Graph, OutOfMemory, Session, save
from nodegraph.aloud import overheard
from nodegraph.control import Control
from nodegraph.events import NodeFinished, NodeProgress
from nodegraph.plugins import load_plugins
from nodegraph.resources import Resources
from nodegraph_nodes.ops import devices, t5
from nodegraph_nodes.ops.checkpoints import locate
from nodegraph_nodes.text import encode_prompt

LONG = "a " * 200
STORE = Resources()  # of the tests that do not mind who loaded the encoder
PROMPTS = {
    "none": "",
    "one": "a",
    "fits": "a " * 76,
    "one too many": "a " * 77,
    "two hundred": LONG,
    "words": "An oil painting of a snowy mountain village",
    "to be cleaned": "A <b>photo</b> (1920x1080) of a DOG -- www.dogs.com",
    "unknown letters": "水 ünïcode 🦊",
    "special": "a photo </s> of <pad> a <extra_id_3> dog",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_text_encoder(tmp_path_factory.mktemp("if"), variants=("", "fp16"))


@pytest.fixture(scope="module")
def pipeline(folder) -> IFPipeline:
    absent = dict.fromkeys(("unet", "scheduler", "safety_checker", "feature_extractor", "watermarker"))
    encoder = T5EncoderModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
    tokenizer = T5Tokenizer.from_pretrained(folder / "tokenizer")
    return IFPipeline(tokenizer=tokenizer, text_encoder=encoder, **absent, requires_safety_checker=False)


def encoded(folder, prompt="a dog", *, context=None, **said):
    return encode_prompt(context or Context(resources=STORE), prompt, str(folder), **{"variant": "", **said})


# Parity


@pytest.mark.parametrize("name", PROMPTS)
@pytest.mark.parametrize("cleaning", ["clean caption", "lower and strip"])
def test_it_is_what_the_pipeline_encodes(folder, pipeline, name, cleaning):
    prompt = PROMPTS[name]
    ours = encoded(folder, prompt, cleaning=cleaning)
    theirs, negative = pipeline.encode_prompt(
        prompt, negative_prompt="", device="cpu", clean_caption=cleaning == "clean caption"
    )
    assert ours.embedding.shape == (1, 77, 32)
    assert ours.embedding.dtype == torch.float32
    assert not ours.embedding.requires_grad
    torch.testing.assert_close(ours.embedding, theirs, rtol=0, atol=1e-6)
    torch.testing.assert_close(encoded(folder, "", cleaning=cleaning).embedding, negative, rtol=0, atol=1e-6)
    assert list(ours.prompts) == pipeline._text_preprocessing(prompt, clean_caption=cleaning == "clean caption")


@pytest.mark.parametrize(
    ("name", "cut"), [("none", 0), ("one", 0), ("fits", 0), ("one too many", 1), ("two hundred", 124)]
)
def test_what_is_cut_off_is_told(folder, name, cut):
    told = []
    context = Context(emit=told.append, resources=STORE)
    conditioning = encoded(folder, PROMPTS[name], context=context)
    assert conditioning.cut == (cut,)
    last = told[-1].text
    lost = f"but for its last {cut} token{'s' * (cut > 1)}: T5 reads 77 of them, the rest was cut off"
    assert (lost in last) == bool(cut)
    assert [(event.step, event.total) for event in told] == [(0, 2), (1, 2), (2, 2)]


def test_the_end_is_marked_even_where_the_prompt_is_cut(folder):
    tokenizer = t5.load_tokenizer(folder / "tokenizer")
    ids = tokenizer(LONG, padding="max_length", max_length=77, truncation=True).input_ids
    assert len(ids) == 77 and ids[-1] == tokenizer.eos_token_id == 1
    same = encoded(folder, "a " * 76).embedding
    assert torch.equal(encoded(folder, LONG).embedding, same), "76 tokens of it, and the end"


def test_the_tokens_are_those_of_the_sentencepiece_model(folder):
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_proto=sentencepiece_model())
    tokenizer = t5.load_tokenizer(folder / "tokenizer")
    for prompt in ("a photo of a dog", "an oil painting, of: people!", "ünïcode", "x" * 50, ""):
        assert tokenizer(prompt).input_ids == [*model.encode(prompt), 1]


def test_padding_is_kept_from_the_words(folder):
    """With the mask, the words see each other only; without it they would see the padding as well."""
    encoder = t5.load_encoder(locate(str(folder), ["text_encoder", "tokenizer"], variant=""), torch.float32)
    ids = encoder.tokenizer("a dog", return_tensors="pt").input_ids
    with torch.no_grad():
        alone = encoder.network(ids)[0]
    torch.testing.assert_close(encoded(folder, "a dog").embedding[:, : ids.shape[1]], alone, rtol=0, atol=1e-5)


def test_the_cleaning_is_said_and_shown(folder):
    said = []
    conditioning = encoded(folder, "A Dog (1920x1080)", context=Context(emit=said.append, resources=STORE))
    assert conditioning.prompts == ("a dog",)
    assert said[-1].text == 'encoded "a dog"'
    assert encoded(folder, "A Dog (1920x1080)", cleaning="lower and strip").prompts == ("a dog (1920x1080)",)


@pytest.mark.parametrize("prompt", ["你好", "(((", "<p></p>"])
def test_a_prompt_of_which_cleaning_leaves_nothing_is_told(folder, prompt):
    with overheard() as said:
        assert encoded(folder, prompt).prompts == ("",)
    (line,) = said
    assert f"nothing of the prompt {prompt!r} is left by cleaning: it is encoded as no text" in line
    with overheard() as said:
        encoded(folder, "  ")
        encoded(folder, prompt, cleaning="lower and strip")
        encoded(folder, "a dog")
    assert not said


# Types and files


@pytest.mark.parametrize("dtype", ["auto", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("variant", ["", "fp16"])
def test_the_type_is_the_one_asked_for_whatever_the_files_say(folder, dtype, variant):
    """config.json names float16 here, as IF's does, whatever the weights are."""
    assert json.loads((folder / "text_encoder" / "config.json").read_text())["torch_dtype"] == "float16"
    store = Resources()
    conditioning = encoded(folder, context=Context(resources=store), dtype=dtype, variant=variant)
    (entry,) = store._entries.values()
    assert entry.value.network.dtype == (torch.float32 if dtype == "auto" else getattr(torch, dtype))
    assert conditioning.embedding.dtype == torch.float32
    exact = encoded(folder).embedding
    error = (conditioning.embedding - exact).abs().max()
    assert error < (0.15 if dtype == "bfloat16" else 0.02)
    assert (error == 0) == (dtype in ("auto", "float32") and variant == "")


def test_auto_is_half_the_size_on_a_gpu(monkeypatch):
    assert devices.find_dtype("auto", "cpu") == torch.float32
    assert devices.find_dtype("auto", "mps") == torch.float16
    for native, found in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, native=native: native)
        assert devices.find_dtype("auto", "cuda:0") == found
    assert devices.find_dtype("float16", "cpu") == torch.float16


def test_weights_in_parts_are_the_same_weights(folder, tmp_path):
    write_text_encoder(tmp_path, variants=("", "fp16"), shards=True)
    assert len(list((tmp_path / "text_encoder").glob("model-*.safetensors"))) > 2
    assert torch.equal(encoded(tmp_path).embedding, encoded(folder).embedding)
    assert torch.equal(encoded(tmp_path, variant="fp16").embedding, encoded(folder, variant="fp16").embedding)


def test_other_weights_encode_otherwise(folder, tmp_path):
    write_text_encoder(tmp_path, seed=1)
    assert not torch.allclose(encoded(tmp_path).embedding, encoded(folder).embedding, atol=0.1)


def spoil_model_type(folder):
    change(folder / "text_encoder" / "config.json", model_type="clip_text_model")


def spoil_shape(folder):
    change(folder / "text_encoder" / "config.json", d_ff=96)


def spoil_layers(folder):
    change(folder / "text_encoder" / "config.json", num_layers=3)


def spoil_config(folder):
    change(folder / "text_encoder" / "config.json", d_model="many")


def spoil_tokenizer(folder):
    (folder / "tokenizer" / "spiece.model").write_bytes(b"no model" * 100)


def remove_encoder(folder):
    (folder / "text_encoder").rename(folder / "text_encoder_2")


def remove_tokenizer(folder):
    (folder / "tokenizer" / "spiece.model").unlink()


def cut_weights(folder):
    path = folder / "text_encoder" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def change(path, **said):
    path.write_text(json.dumps({**json.loads(path.read_text()), **said}))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_model_type, "text encoder of the type clip_text_model, must be t5"),
        (spoil_shape, "text_encoder cannot be loaded"),
        (spoil_layers, "text_encoder lacks .* weights, .*block.2.* among them"),
        (spoil_config, "text_encoder"),
        (spoil_tokenizer, "tokenizer"),
        (remove_encoder, "text_encoder"),
        (remove_tokenizer, "tokenizer"),
        (cut_weights, "text_encoder"),
    ],
)
def test_a_folder_that_is_not_right_is_told_in_a_line(tmp_path, spoil, told):
    write_text_encoder(tmp_path)
    spoil(tmp_path)
    with pytest.raises(ValueError, match=told) as error:
        encoded(tmp_path)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


def test_a_tokenizer_of_another_checkpoint_is_refused(tmp_path):
    write_text_encoder(tmp_path, words=200)
    with pytest.raises(ValueError, match="knows 200 tokens, but the tokenizer beside it has 260"):
        encoded(tmp_path)


def test_protobuf_is_named_when_it_is_missing(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.protobuf", None)
    with pytest.raises(ValueError, match=r"spiece.model needs protobuf to be read; pip install protobuf"):
        encoded(folder, context=Context())


@pytest.mark.parametrize("kept", [0.5, 0.01])
def test_a_vocabulary_that_is_cut_short_is_named(tmp_path, kept):
    path = write_text_encoder(tmp_path) / "tokenizer" / "spiece.model"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ValueError, match=r"spiece.model is damaged or cut short; remove it and download it again$"):
        encoded(tmp_path, context=Context())


def test_an_overflow_is_told_and_never_kept(folder, tmp_path):
    write_text_encoder(tmp_path)
    from safetensors.torch import load_file, save_file

    path = tmp_path / "text_encoder" / "model.safetensors"
    weights = load_file(path)
    weights["encoder.final_layer_norm.weight"] = weights["encoder.final_layer_norm.weight"] * 6e4
    save_file(weights, path, {"format": "pt"})
    assert encoded(tmp_path).embedding.isfinite().all()
    with pytest.raises(ValueError, match=r"^dtype is float16, in which T5 overflowed; use bfloat16 or float32"):
        encoded(tmp_path, dtype="float16")


def test_nothing_is_drawn_over_the_display(folder, capfd):
    encoded(folder, LONG, context=Context())
    shown = capfd.readouterr()
    assert shown.out + shown.err == ""


# Where the encoder is


class Watched(nn.Module):
    """A text encoder whose device is only a name, so that the tests need no GPU: `log` has where it was, and when."""

    def __init__(self, log, trouble=None):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(10))
        self.place = "cpu"
        self.log = log
        self.trouble = trouble

    def to(self, device):
        self.log.append(device)
        if self.trouble is not None and device == "meta":
            raise self.trouble
        self.place = device
        return self

    def forward(self, ids, attention_mask):
        assert str(ids.device) == str(attention_mask.device) == self.place
        self.log.append("encode")
        time.sleep(0.02)
        assert str(ids.device) == self.place, "taken away while it was at work"
        return (torch.zeros(1, 77, 8),)


@pytest.fixture
def watched(folder, monkeypatch):
    """`make(log)` puts a watched network in the place of T5; `made` counts how often it was loaded."""
    made = []

    def make(log, trouble=None):
        def load(checkpoint, dtype):
            made.append(dtype)
            return t5.Encoder(Watched(log, trouble), t5.load_tokenizer(checkpoint.folder / "tokenizer"))

        monkeypatch.setattr(t5, "load_encoder", load)
        return made

    return make


def test_the_encoder_has_left_the_gpu_when_the_node_returns(folder, watched):
    log, store = [], Resources()
    made = watched(log)
    for prompt in ("a dog", "a cat"):
        encoded(folder, prompt, context=Context(resources=store, device="meta"), dtype="float16")
    assert log == ["cpu", "meta", "encode", "cpu", "meta", "encode", "cpu"] or log == 2 * ["meta", "encode", "cpu"]
    assert made == [torch.float16], "loaded once for both"
    (entry,) = store._entries.values()
    assert (entry.device, entry.value.network.place) == ("cpu", "cpu")
    assert store.held_bytes == 40


def test_it_has_left_too_when_something_fails_there(folder, watched, monkeypatch):
    log, store = [], Resources()
    watched(log)

    def fail(*_, **__):
        raise RuntimeError("broken")

    monkeypatch.setattr(Watched, "forward", fail)
    with pytest.raises(RuntimeError, match="broken"):
        encoded(folder, context=Context(resources=store, device="meta"), dtype="float16")
    assert log[-1] == "cpu"
    (entry,) = store._entries.values()
    assert entry.device == "cpu"


def test_a_gpu_that_is_too_small_is_named_with_ways_out(folder, watched):
    log, store = [], Resources()
    watched(log, torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(OutOfMemory, match=r"^meta has no memory for T5, which takes 40 bytes; ") as error:
        encoded(folder, context=Context(resources=store, device="meta"), dtype="float16")
    assert "--device cpu" in error.value.__notes__[1]
    assert log[-1] == "cpu", "what was there already has left"


def test_what_else_is_on_the_gpu_makes_room_for_a_prompt(folder, watched, monkeypatch):
    log, store = [], Resources()
    watched(log)
    encode = Watched.forward

    def forward(self, ids, attention_mask):
        if store.count_on("meta") > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return encode(self, ids, attention_mask)

    monkeypatch.setattr(Watched, "forward", forward)
    store.get("UNet", lambda: "weights", lambda _: 99, lambda value, device: value, "meta")
    encoded(folder, context=Context(resources=store, device="meta"), dtype="float16")
    assert store.count_on("cpu") == 2 and "UNet" in store

    def never(self, ids, attention_mask):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB")

    monkeypatch.setattr(Watched, "forward", never)
    told = r"meta has no memory for a prompt in the text encoder, where 1\.0 GiB more were asked for"
    with pytest.raises(OutOfMemory, match=told):
        encoded(folder, context=Context(resources=store, device="meta"), dtype="float16")
    assert store.count_on("meta") == 0, "it has left all the same"


def test_runs_at_once_do_not_take_it_from_each_other(folder, watched):
    log, store = [], Resources()
    made = watched(log)

    def work(number):
        for prompt in ("a dog", "a cat", "a hat"):
            encoded(folder, prompt, context=Context(resources=store, device="meta"), dtype="float16")

    encoded(folder, context=Context(resources=store, device="meta"), dtype="float16")  # imports are slow
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))  # raises what one of them raised
    assert len(made) == 1
    assert log[-1] == "cpu"


def test_a_store_that_dropped_it_meanwhile_does_not_load_it_twice(folder, watched):
    log, store = [], Resources()
    made = watched(log)

    class Forgetful(Resources):
        def get(self, *given, **more):
            found = super().get(*given, **more)
            self.clear()
            return found

    encoded(folder, context=Context(resources=Forgetful(), device="meta"), dtype="float16")
    assert len(made) == 1
    assert len(store) == 0


# In graphs


@pytest.fixture
def loads(monkeypatch):
    """The types that the encoder was loaded in."""
    found = []
    load = t5.load_encoder

    def counted(checkpoint, dtype):
        found.append(dtype)
        return load(checkpoint, dtype)

    monkeypatch.setattr(t5, "load_encoder", counted)
    return found


def two_prompts(folder) -> Graph:
    graph = Graph().add("join", "JoinConditioning")
    for number, prompt in enumerate(("a photo of a dog", LONG)):
        graph = graph.add(f"p{number}", "EncodePrompt", prompt=prompt, checkpoint=str(folder), variant="")
        graph = graph.connect(f"p{number}.conditioning -> join.parts[{number}]")
    return graph


def test_all_prompts_of_a_graph_share_one_encoder_and_later_sessions_need_none(folder, tmp_path, loads):
    registry = load_plugins(only=["nodegraph_nodes"])
    with Session(registry, disk_folder=tmp_path) as session:
        first = session.run(two_prompts(folder), device="cpu")["join"]
    assert len(loads) == 1
    events = []
    with Session(registry, disk_folder=tmp_path) as session:
        later = session.run(two_prompts(folder), device="cpu", emit=events.append)
        assert len(session.resources) == 0
    assert len(loads) == 1, "each prompt is encoded once in a lifetime"
    assert later.cached == ("p0", "p1")
    assert torch.equal(later["join"].embedding, first.embedding)
    assert later["join"].prompts == first.prompts == ("a photo of a dog", LONG.strip())
    told = {event.node: event.summary for event in events if isinstance(event, NodeFinished)}
    assert told["p0"] == '"a photo of a dog": 77 tokens of 32 numbers'
    assert told["p1"].endswith("77 tokens of 32 numbers, 124 more were cut off"), "told again, though not encoded again"


def test_other_cleaning_and_type_are_other_entries(folder, tmp_path, loads):
    registry = load_plugins(only=["nodegraph_nodes"])
    graph = Graph().add("p", "EncodePrompt", prompt="A (dog)", checkpoint=str(folder), variant="")
    for said in ({}, {"cleaning": "lower and strip"}, {"dtype": "bfloat16"}, {"prompt": "a cat"}):
        with Session(registry, disk_folder=tmp_path) as session:
            assert session.run(graph.set("p", **said), device="cpu").cached == ()
    assert len(loads) == 4


SECOND = """
import sys
sys.modules["transformers"] = sys.modules["diffusers"] = None  # neither can be imported
import nodegraph
from nodegraph_nodes.ops.fingerprints import fingerprint
with nodegraph.Session(disk_folder=sys.argv[2]) as session:
    result = session.run(nodegraph.load(sys.argv[1]), device="cpu")
print(result.cached, fingerprint({"embedding": result["join"].embedding}))
"""


def test_a_second_process_gets_the_embedding_without_the_encoder(folder, tmp_path):
    from nodegraph_nodes.ops.fingerprints import fingerprint

    graph = two_prompts(folder)
    save(graph, tmp_path / "g.json")
    with Session(load_plugins(only=["nodegraph_nodes"]), disk_folder=tmp_path / "disk") as session:
        made = session.run(graph, device="cpu")["join"].embedding
    call = [sys.executable, "-c", SECOND, str(tmp_path / "g.json"), str(tmp_path / "disk")]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"('p0', 'p1') {fingerprint({'embedding': made})}"


def test_a_cancelled_run_leaves_the_encoder_on_the_cpu(folder, watched, tmp_path):
    log, control = [], Control()
    watched(log)

    def listen(event):
        if isinstance(event, NodeProgress) and event.step == 1:
            control.cancel()

    with Session(load_plugins(only=["nodegraph_nodes"]), disk_folder=tmp_path) as session:
        with pytest.raises(Cancelled):
            session.run(two_prompts(folder), ["p0"], emit=listen, control=control, device="cpu")
        (entry,) = session.resources._entries.values()
        assert entry.device == "cpu"
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_an_encoder_is_refused_before_anything_runs(tmp_path, loads):
    graph = Graph().add("p", "EncodePrompt", checkpoint=str(tmp_path))
    session = Session(load_plugins(only=["nodegraph_nodes"]), disk_folder=tmp_path)
    with pytest.raises(CheckFailed, match=r"^p \(EncodePrompt\): checkpoint .* holds no text_encoder/"):
        session.run(graph, device="cpu")
    assert loads == []
