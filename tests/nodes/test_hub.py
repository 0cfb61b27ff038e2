"""What the hub has, how much of it is missing, and downloading that: against a hub on 127.0.0.1."""

import os
import shutil
import socket
from hashlib import sha256

import pytest
from checkpoint_folders import COMMIT, component_files, safetensors, write_checkpoint
from hub_server import GOOD_TOKEN, Hub, Model

from nodegraph_nodes.ops import downloads
from nodegraph_nodes.ops.checkpoints import locate
from nodegraph_nodes.ops.downloads import download
from nodegraph_nodes.ops.hub import remaining

IF = "DeepFloyd/IF-I-XL-v1.0"
STAGE = ["unet", "scheduler"]
TEXT = ["text_encoder", "tokenizer"]
OTHER = "f" * 40
WEIGHTS = "unet/diffusion_pytorch_model.fp16.safetensors"


def model_files() -> dict[str, bytes]:
    """The files of a model as those of DeepFloyd are, both variants and the pickles beside them."""
    both = ("", "fp16")
    files = {"model_index.json": b'{"_class_name": "IFPipeline"}', "README.md": b"read me"}
    files |= component_files("unet", variants=both) | component_files("scheduler")
    files |= component_files("text_encoder", variants=both, shards=2) | component_files("tokenizer")
    files[WEIGHTS] = safetensors(100_000)
    files["unet/diffusion_pytorch_model.bin"] = files["text_encoder/pytorch_model.bin"] = b"\x80\x02pickle"
    files["unet/model.onnx"] = files["unet/flax_model.msgpack"] = b"another kind"
    return files


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with one model, and an empty cache; no other address can be reached."""
    with Hub(DeepFloyd__IFx=Model({})) as hub:
        hub.models = {IF: Model(model_files())}
        use(hub.endpoint, tmp_path / "cache", monkeypatch)
        yield hub


def use(endpoint, cache, monkeypatch) -> None:
    for name, value in {
        "ENDPOINT": endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_DISABLE_TELEMETRY": True,
        "HF_TOKEN_PATH": str(cache / "token"),
    }.items():
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(downloads, "WAITS", (0, 0))
    connect = socket.socket.connect

    def guarded(self, address):
        assert address[0] in ("127.0.0.1", "::1"), f"{address} was asked"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def fetch(components=STAGE, **given) -> list[tuple[int, int, str]]:
    told: list[tuple[int, int, str]] = []
    download(remaining(IF, components, **given), lambda *progress: told.append(progress))
    return told


# What is missing


def test_only_what_the_components_need_is_missing(hub):
    missing = remaining(IF, STAGE)
    assert [file.name for file in missing.files] == [
        "model_index.json", "unet/config.json", WEIGHTS, "scheduler/scheduler_config.json",
    ]  # fmt: skip
    files = hub.models[IF].files
    assert [(file.size, file.left) for file in missing.files] == [
        (len(files[f.name]), len(files[f.name])) for f in missing.files
    ]
    assert hub.requests == [f"GET /api/models/{IF}/revision/main"]


def test_the_variant_that_is_asked_for(hub):
    assert [file.name for file in remaining(IF, TEXT, variant="").files][1:] == [
        "text_encoder/config.json",
        "text_encoder/model-00001-of-00002.safetensors",
        "text_encoder/model-00002-of-00002.safetensors",
        "text_encoder/model.safetensors.index.json",
        "tokenizer/spiece.model",
        "tokenizer/tokenizer_config.json",
    ]
    assert "unet/diffusion_pytorch_model.safetensors" in [
        file.name for file in remaining(IF, STAGE, variant="bf16").files
    ]


def test_an_optional_component_is_taken_where_it_is(hub):
    assert len(remaining(IF, [*STAGE, "watermarker?"]).files) == 4
    hub.models[IF].files |= component_files("watermarker")
    assert len(remaining(IF, [*STAGE, "watermarker?"]).files) == 6


# Downloading


def test_what_was_downloaded_is_found(hub):
    told = fetch()
    found = locate(IF, STAGE)
    assert (found.identity, found.variant) == (f"{COMMIT}+unet.fp16", "fp16")
    assert (found.folder / WEIGHTS).read_bytes() == hub.models[IF].files[WEIGHTS]
    assert found.config("unet")["_class_name"] == "UNet2DConditionModel"
    total = sum(len(hub.models[IF].files[name]) for name in hub.models[IF].files if (found.folder / name).is_file())
    assert told[-1][:2] == (total, total) and {entry[1] for entry in told} == {total}
    assert [entry[0] for entry in told] == sorted(entry[0] for entry in told)


def test_nothing_else_is_downloaded(hub):
    fetch()
    assert hub.asked(".bin") == hub.asked(".onnx") == hub.asked(".msgpack") == hub.asked("text_encoder") == []
    assert hub.asked("unet/diffusion_pytorch_model.safetensors") == []


def test_other_programs_find_it_in_the_cache(hub):
    from huggingface_hub import hf_hub_download, scan_cache_dir

    fetch()
    before = len(hub.requests)
    path = hf_hub_download(IF, WEIGHTS, local_files_only=True)
    assert os.path.realpath(path).endswith(sha256(hub.models[IF].files[WEIGHTS]).hexdigest())
    (repo,) = scan_cache_dir().repos
    assert repo.repo_id == IF and [revision.refs for revision in repo.revisions] == [frozenset({"main"})]
    assert len(hub.requests) == before


def test_when_all_is_here_nothing_is_downloaded(hub):
    fetch()
    before = len(hub.requests)
    assert fetch() == []
    assert len(hub.requests) == before + 1  # the listing


def test_components_come_one_by_one_and_of_one_commit(hub):
    fetch()
    new = Model({**model_files(), "README.md": b"read me again"}, commit=OTHER)
    new.revisions[COMMIT] = COMMIT
    hub.models[IF] = new
    fetch(TEXT)
    assert locate(IF, [*STAGE, *TEXT]).identity.startswith(COMMIT)


def test_a_commit_that_was_taken_back_gives_way_to_the_present_one(hub):
    fetch()
    hub.models[IF] = Model(model_files(), commit=OTHER)
    fetch([*STAGE, *TEXT])
    assert locate(IF, [*STAGE, *TEXT]).identity.startswith(OTHER)
    assert len([request for request in hub.asked(WEIGHTS) if "/cdn/" in request]) == 1, "the same bytes come once"


def test_another_revision_has_a_place_of_its_own(hub):
    fetch(revision="v1")
    assert locate(IF, STAGE, "v1") == locate(IF, STAGE, COMMIT)
    with pytest.raises(ValueError, match="is not here"):
        locate(IF, STAGE)


def test_a_folder_is_no_matter_of_the_hub(hub, tmp_path):
    write_checkpoint(tmp_path / "if", *STAGE)
    assert remaining(str(tmp_path / "if"), STAGE).files == ()
    assert hub.requests == []


# Interrupts


def test_a_cut_connection_is_taken_up_where_it_broke(hub):
    hub.cut = 150_000
    fetch()
    assert (locate(IF, STAGE).folder / WEIGHTS).read_bytes() == hub.models[IF].files[WEIGHTS]
    ranges = [request.partition(" bytes=")[2] for request in hub.asked("/cdn/")]
    assert ranges == ["", "150000-", "300000-"]


def test_an_interrupted_download_goes_on_from_what_came(hub):
    missing = remaining(IF, STAGE)

    def stop(done, total, name):
        if name == WEIGHTS and done > 100_000:
            raise KeyboardInterrupt

    hub.stall = 250_000
    with pytest.raises(KeyboardInterrupt):
        download(missing, stop)
    hub.stall = None
    with pytest.raises(ValueError, match="is not here"):
        locate(IF, STAGE)
    rest = {file.name: file.begun for file in remaining(IF, STAGE).files}
    assert rest[WEIGHTS] > 50_000
    told = fetch()
    assert told[0][0] >= rest[WEIGHTS]
    assert hub.asked(f"bytes={rest[WEIGHTS]}-")
    assert (locate(IF, STAGE).folder / WEIGHTS).read_bytes() == hub.models[IF].files[WEIGHTS]


def test_a_server_that_knows_no_ranges(hub):
    hub.ranges = False
    hub.cut = 150_000
    with pytest.raises(ValueError, match=f"{hub.endpoint} cannot be reached for {IF}: .*goes on from what came"):
        fetch()
    hub.cut = None
    fetch()
    assert (locate(IF, STAGE).folder / WEIGHTS).read_bytes() == hub.models[IF].files[WEIGHTS]


def test_a_busy_hub_is_asked_again(hub):
    hub.busy = 2
    fetch()
    assert locate(IF, STAGE).variant == "fp16"
    hub.busy = 9
    with pytest.raises(ValueError, match=f"{hub.endpoint} answers 503 when asked for {IF}; try again later"):
        fetch(TEXT)


def test_damaged_bytes_are_not_kept(hub):
    hub.spoilt = True
    with pytest.raises(ValueError, match="came damaged: its checksum is not the one that the hub tells"):
        fetch()
    hub.spoilt = False
    fetch()
    assert (locate(IF, STAGE).folder / WEIGHTS).read_bytes() == hub.models[IF].files[WEIGHTS]


def test_a_damaged_file_in_the_cache_is_replaced(hub):
    fetch()
    folder = locate(IF, STAGE).folder
    for name in (WEIGHTS, "unet/config.json"):
        blob = (folder / name).resolve()
        blob.chmod(0o644)
        blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(ValueError, match="fetch"):
        locate(IF, STAGE)
    assert [file.name for file in remaining(IF, STAGE).files] == ["unet/config.json", WEIGHTS]
    fetch()
    assert (locate(IF, STAGE).folder / WEIGHTS).read_bytes() == hub.models[IF].files[WEIGHTS]


def test_a_part_that_is_too_long_is_begun_anew(hub, tmp_path):
    etag = sha256(hub.models[IF].files[WEIGHTS]).hexdigest()
    blobs = tmp_path / "cache" / "models--DeepFloyd--IF-I-XL-v1.0" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{etag}.incomplete").write_bytes(bytes(500_000))
    fetch()
    assert (locate(IF, STAGE).folder / WEIGHTS).read_bytes() == hub.models[IF].files[WEIGHTS]


# What goes wrong


def refused(components=STAGE, checkpoint=IF, **given) -> str:
    with pytest.raises(ValueError) as caught:
        download(remaining(checkpoint, components, **given), lambda *progress: None)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    return str(caught.value)


def test_a_gated_model_says_where_its_licence_is_and_how_to_log_in(hub, monkeypatch):
    hub.models[IF].gated = True
    page = f"{hub.endpoint}/{IF}"
    assert len(remaining(IF, STAGE).files) == 4, "what there is can be seen by everyone"
    message = refused()
    assert message == f"{IF} is gated: accept its licence at {page}, then log in with `hf auth login`, or set HF_TOKEN"
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    assert f"{IF} is gated: accept its licence at {page} with your account" in refused()
    monkeypatch.setenv("HF_TOKEN", GOOD_TOKEN)
    fetch()
    assert locate(IF, STAGE).variant == "fp16"


def test_a_model_that_is_not_there(hub):
    message = refused(checkpoint="nobody/nothing")
    assert message.startswith(f"{hub.endpoint} has no model nobody/nothing, or shows it to others only; mend the name")


def test_a_revision_that_is_not_there(hub):
    assert refused(revision="v9") == f"{IF} has no revision v9; {hub.endpoint}/{IF}/tree/main lists the branches"


def test_a_component_that_is_not_there(hub):
    assert refused(["vae"]) == f"{IF} holds no vae/config.json; it holds scheduler, text_encoder, tokenizer, unet"


def test_a_model_with_pickles_only(hub):
    files = hub.models[IF].files
    hub.models[IF].files = {name: content for name, content in files.items() if not name.endswith(".safetensors")}
    assert "unet/ as a pickle (diffusion_pytorch_model.bin), which could run code" in refused()
    assert hub.asked("resolve") == []


def test_a_model_with_another_variant_only(hub):
    del hub.models[IF].files["unet/diffusion_pytorch_model.safetensors"]
    assert refused(variant="").endswith("as fp16 only; set variant to fp16")


def test_no_network(hub, monkeypatch, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    use(endpoint, tmp_path / "cache", monkeypatch)
    assert refused().startswith(f"{endpoint} cannot be reached for {IF}: ")


def test_no_network_wanted(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert refused() == "HF_HUB_OFFLINE is set, which forbids to ask the hub; unset it to download"
    assert hub.requests == []


def test_something_else_answers(hub, monkeypatch, tmp_path):
    hub.models[IF].revisions["main"] = None
    assert "does not answer as a hub does" in refused()


def test_the_names_of_what_comes_lead_nowhere_else(hub, monkeypatch, tmp_path):
    from huggingface_hub import HfApi

    info = HfApi().model_info(IF, revision="main", files_metadata=True)
    monkeypatch.setattr(HfApi, "model_info", lambda *args, **given: info)
    info.siblings.append(type(info.siblings[0])("unet/../../../x.json", size=3, blob_id="0" * 40))
    assert [file.name for file in remaining(IF, STAGE).files][1:3] == ["unet/config.json", WEIGHTS]
    for sibling in info.siblings:
        sibling.blob_id = f"../../../{sibling.blob_id}"
    assert refused(["unet"]).startswith(f"{IF} holds no unet/config.json")


def test_a_full_disk_is_told_before_the_download(hub, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 1000))
    message = refused()
    assert message.startswith(f"{IF} needs 0.4 MB, but {tmp_path}") and "set HF_HUB_CACHE" in message
    assert hub.asked("resolve") == []


def test_a_cache_that_cannot_be_written(hub, tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert "cannot be written: " in refused()
