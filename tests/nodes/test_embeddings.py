"""Encoded prompts joined, in files, and on the disk: rows in order, numbers to the last bit, and no pickle."""

import json
import pickle

import pytest
import torch
from safetensors.torch import save

from nodegraph import Context, Graph, RunFailed, Session
from nodegraph.outputs import OutputFolder
from nodegraph.plugins import load_plugins
from nodegraph_nodes import value_types
from nodegraph_nodes.ops import embeddings
from nodegraph_nodes.text import join_conditioning, load_embedding, save_embedding
from nodegraph_nodes.types import Conditioning

DECLARED = next(declared for declared in value_types.VALUE_TYPES if declared.type is Conditioning)


def made(rows: int = 1, seed: int = 0, *, tokens: int = 77, width: int = 8, prompts: bool = True) -> Conditioning:
    values = torch.randn(rows, tokens, width, generator=torch.Generator().manual_seed(seed))
    texts = tuple(f'prompt {seed}, row {row}, "ü"\n' for row in range(rows)) if prompts else ()
    return Conditioning(values, texts, tuple(range(rows)) if prompts else ())


def same(a: Conditioning, b: Conditioning) -> bool:
    return torch.equal(a.embedding, b.embedding) and (a.prompts, a.cut) == (b.prompts, b.cut)


# Joined


def test_the_rows_follow_each_other():
    parts = [made(1, 1), made(3, 2), made(2, 3)]
    joined = join_conditioning(parts)
    rows = [(part, row) for part in parts for row in range(len(part.embedding))]
    assert len(joined.embedding) == len(rows) == 6
    for number, (part, row) in enumerate(rows):
        assert torch.equal(joined.embedding[number], part.embedding[row])
        assert joined.prompts[number] == part.prompts[row]
        assert joined.cut[number] == part.cut[row]


def test_one_alone_is_itself():
    assert same(join_conditioning([made(2)]), made(2))


def test_texts_that_are_not_known_of_all_rows_are_left_out_whole():
    joined = join_conditioning([made(1), made(2, prompts=False)])
    assert joined.prompts == ()
    assert joined.cut == (0, 0, 0)


@pytest.mark.parametrize("odd", [{"tokens": 5}, {"width": 9}])
def test_parts_of_other_encoders_are_refused(odd):
    with pytest.raises(ValueError, match=r"^parts\[1\] has .* must have 77 of 8 as parts\[0\] has; encode all"):
        join_conditioning([made(), made(**odd)])
    with pytest.raises(ValueError, match="parts is empty"):
        join_conditioning([])


# Files


def test_a_file_gives_back_every_bit_and_the_prompts(tmp_path):
    conditioning = made(3)
    path = save_embedding(Context(output=OutputFolder(tmp_path)), conditioning, "three")
    assert path == tmp_path.resolve() / "three.safetensors"
    assert same(load_embedding(path), conditioning)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [None, 1, 3])
def test_a_plain_tensor_of_anybody_is_taken(tmp_path, dtype, rows):
    values = torch.randn(77, 8) if rows is None else torch.randn(rows, 77, 8)
    path = tmp_path / "plain.safetensors"
    path.write_bytes(save({"zero_t5": values.to(dtype)}))
    loaded = load_embedding(path)
    assert loaded.embedding.dtype == torch.float32
    assert torch.equal(loaded.embedding, values.to(dtype).float().reshape(-1, 77, 8))
    assert loaded.prompts == ()


def plain(**tensors: torch.Tensor) -> bytes:
    return save(tensors)


ZEROS = torch.zeros(1, 77, 8)
GOOD = plain(embedding=ZEROS)
BAD = {
    "nan": (plain(a=torch.full((1, 77, 8), torch.nan)), "holds NaN or infinity in a; encode the prompt again"),
    "infinity": (plain(a=torch.full((77, 8), torch.inf)), "holds NaN or infinity"),
    "overflow": (plain(a=torch.full((77, 8), 1e300, dtype=torch.float64)), "holds NaN or infinity"),
    "vector": (plain(a=torch.zeros(77)), r"a of the shape \(77,\), must be \(77, D\) or \(B, 77, D\)"),
    "picture": (plain(a=torch.zeros(1, 3, 77, 8)), r"must be \(77, D\) or \(B, 77, D\)"),
    "other tokens": (plain(a=torch.zeros(2, 8)), r"of the shape \(2, 8\), must be"),
    "turned round": (plain(a=torch.zeros(8, 77)), r"of the shape \(8, 77\), must be"),
    "no rows": (plain(a=torch.zeros(0, 77, 8)), r"of the shape \(0, 77, 8\)"),
    "no numbers": (plain(a=torch.zeros(77, 0)), r"of the shape \(77, 0\)"),
    "whole numbers": (plain(a=torch.zeros(77, 8, dtype=torch.int64)), "a as int64, must be floating-point"),
    "two": (plain(a=ZEROS, b=ZEROS + 1), r"holds 2 tensors \(a, b, ...\), must hold one embedding"),
    "none": (save({}), "holds 0 tensors, must hold one"),
    "pickle": (pickle.dumps({"a": 1}), "is a pickle"),
    "torch.save": (b"PK\x03\x04" + bytes(30), "is a pickle"),
    "cut": (GOOD[:-1], "is not a whole safetensors file"),
    "cut header": (GOOD[:20], "is not a whole safetensors file"),
    "empty": (b"", "is not a whole safetensors file"),
    "text": (b"a photo of a dog", "is not a whole safetensors file"),
    "prompts": (save({"a": ZEROS}, {"prompts": '["one", "two"]'}), "names prompts .* do not fit its 1 row"),
    "prompts of what": (save({"a": ZEROS}, {"prompts": "[1]"}), "names prompts"),
    "prompts as text": (save({"a": ZEROS}, {"prompts": "one"}), "names prompts"),
    "cut of what": (save({"a": ZEROS}, {"prompts": "[]", "cut": '["x"]'}), "names cut"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_embedding_is_refused_in_a_line(tmp_path, name):
    content, told = BAD[name]
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=told) as error:
        load_embedding(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_folder_and_an_absent_file_are_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        load_embedding(tmp_path)
    with pytest.raises(ValueError, match="cannot be read"):
        load_embedding(tmp_path / "absent.safetensors")


def test_in_a_graph_the_file_counts_by_content(tmp_path):
    with Session(load_plugins(only=["nodegraph_nodes"])) as session:
        path = tmp_path / "e.safetensors"
        path.write_bytes(embeddings.to_bytes(made(1, 1)))
        graph = (
            Graph()
            .add("a", "LoadEmbedding", path=str(path))
            .add("j", "JoinConditioning")
            .connect("a.conditioning -> j.parts[0]")
            .connect("a.conditioning -> j.parts[1]")
        )
        assert session.run(graph)["j"].prompts == made(1, 1).prompts * 2
        path.write_bytes(embeddings.to_bytes(made(1, 2)))
        assert session.run(graph)["j"].prompts == made(1, 2).prompts * 2
        path.write_bytes(b"")
        with pytest.raises(RunFailed, match="not a whole safetensors file"):
            session.run(graph)


# The value type


@pytest.mark.parametrize("conditioning", [made(), made(4), made(2, prompts=False), made(1, tokens=5)])
def test_saved_bytes_load_as_the_same(conditioning):
    data = DECLARED.save(conditioning)
    loaded = DECLARED.load(data)
    assert same(loaded, conditioning)
    assert loaded.embedding.add_(1).sum() != conditioning.embedding.sum(), "what was loaded is memory of its own"
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert set(header) == {"embedding", "__metadata__"}, "safetensors, and nothing else"


@pytest.mark.parametrize("data", [b"", b"\x80\x05.", DECLARED.save(made())[:-1], save({"a": torch.zeros(3)})])
def test_other_bytes_do_not_load(data):
    with pytest.raises(Exception):  # noqa: B017 - which one is of no interest to the cache
        DECLARED.load(data)


def test_the_line_about_it_reads_well():
    def line(*prompts: str, rows: int = 0, cut: tuple[int, ...] = (), width: int = 4096) -> str:
        return DECLARED.summary(Conditioning(torch.zeros(rows or len(prompts), 77, width), prompts, cut))

    assert line("a photo of a dog") == '"a photo of a dog": 77 tokens of 4,096 numbers'
    assert line("") == "no text: 77 tokens of 4,096 numbers"
    assert line("a", "b", width=32) == '"a", "b": 77 tokens of 32 numbers'
    assert line("a", "b", "", "d", "e") == '"a", "b", no text and 2 more: 77 tokens of 4,096 numbers'
    assert line("a", cut=(124,)) == '"a": 77 tokens of 4,096 numbers, 124 more were cut off'
    assert line("a", "b", cut=(1, 2)) == '"a", "b": 77 tokens of 4,096 numbers, 3 more were cut off'
    assert line(rows=1) == "1 prompt: 77 tokens of 4,096 numbers"
    assert line(rows=3) == "3 prompts: 77 tokens of 4,096 numbers"
    assert "\n" not in line("a\nb") and len(line("long " * 100)) < 130
