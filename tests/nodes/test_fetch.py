"""`nodegraph check` and `fetch` of graphs with checkpoints, against a hub on 127.0.0.1."""

import functools
import os
import re
import signal
import socket
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import checkpoint_toys
import pytest
from checkpoint_folders import COMMIT, safetensors, write_checkpoint
from checkpoint_toys import IF
from cli_calls import call, graph_file
from hub_server import GOOD_TOKEN, Hub, Model
from test_hub import WEIGHTS, model_files, use

import nodegraph.plugins

PROGRAM = """
import functools, socket, sys
sys.path[:0] = {paths!r}
import checkpoint_toys, nodegraph.plugins

connect, asked = socket.socket.connect, {allowed!r}

def guarded(self, address):
    if address[0] not in ("127.0.0.1", "::1") or not asked:
        print("THE NETWORK WAS ASKED", address, file=sys.stderr)
        raise SystemExit(99)
    return connect(self, address)

socket.socket.connect = guarded
nodegraph.plugins.load_plugins = functools.partial(
    nodegraph.plugins.load_plugins, only=["nodegraph"], extra=[checkpoint_toys]
)
from nodegraph.cli import main

try:
    main()
finally:
    heavy = {{"torch", "numpy", "diffusers", "transformers"}} & set(sys.modules)
    if heavy and "run" not in sys.argv:
        print("WAS IMPORTED", heavy, file=sys.stderr)
"""
HERE = [str(Path(__file__).parent)]


class Done(NamedTuple):
    """How a call of the command line ended."""

    status: int
    out: str
    err: str


class Here:
    """The command line called in this process, with an empty cache; `reached` is what it asked where it should not."""

    def __init__(self, folder: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.reached: list[object] = []
        self.connect_to(endpoint)
        load = functools.partial(nodegraph.plugins.load_plugins, only=["nodegraph"], extra=[checkpoint_toys])
        monkeypatch.setattr(nodegraph.plugins, "load_plugins", load)
        monkeypatch.setenv("XDG_STATE_HOME", str(folder))
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.chdir(folder)

    def connect_to(self, endpoint: str) -> None:
        use(endpoint, self.folder / "hub", self.monkeypatch)

    def call(self, *args: str | Path, network: bool = True, **environment: str) -> Done:
        with self.monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            if not network:
                patch.setattr(socket.socket, "connect", self.refuse)
            result = call(*args)
        return Done(result.exit_code, result.stdout, result.stderr)

    def refuse(self, *address: object) -> None:
        self.reached.append(address)
        raise AssertionError("the network was asked")


class Machine:
    """The same in a process of its own for each call."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder = folder
        self.endpoint = endpoint
        self.cache = folder / "hub"

    def start(
        self, *args: str | Path, network: bool = True, below: str = "true", **environment: str
    ) -> "subprocess.Popen[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        program = PROGRAM.format(paths=HERE, allowed=network)
        own = {
            "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": self.endpoint, "HF_HOME": str(self.folder / "home"),
            "HF_HUB_CACHE": str(self.cache), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
            "XDG_STATE_HOME": str(self.folder), "HOME": str(self.folder), "NO_PROXY": "*", "COLUMNS": "200",
        }  # fmt: skip
        return subprocess.Popen(
            ["bash", "-c", f'{below}; exec "$@"', "-", sys.executable, "-c", program, *map(str, args)],
            env={**kept, **own, **environment}, cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def call(self, *args: str | Path, network: bool = True, **environment: str) -> Done:
        process = self.start(*args, network=network, **environment)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err
        return Done(process.returncode, out, err)


@pytest.fixture
def hub():
    with Hub() as hub:
        hub.models[IF] = Model(model_files())
        yield hub


@pytest.fixture
def machine(tmp_path, hub):
    return Machine(tmp_path, hub.endpoint)


@pytest.fixture
def here(tmp_path, hub, monkeypatch):
    here = Here(tmp_path, hub.endpoint, monkeypatch)
    yield here
    assert not here.reached


@pytest.fixture
def graph(tmp_path):
    """A text encoder and a network, told by one value node which checkpoint to use."""
    return graph_file(
        tmp_path / "g.json",
        {"checkpoint": ("Text", {"value": IF}), "encode": "ToyEncoder", "stage": "ToyStage"},
        [
            "checkpoint.value -> encode.checkpoint",
            "checkpoint.value -> stage.checkpoint",
            "encode.prompt -> stage.prompt",
        ],
    )


NAME = f"checkpoint {IF} (revision main, variant fp16)"
ALL = "text_encoder, tokenizer, unet and scheduler"


def test_from_nothing_to_a_run(hub, machine, graph):
    done = machine.call("check", graph, network=False)
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"{NAME}: {ALL} are missing",
        f"{graph}: 3 nodes, 3 links, nothing wrong; `nodegraph fetch {graph}` downloads what is missing",
    ]
    done = machine.call("run", graph, network=False)
    assert done.status == 2
    assert done.err.splitlines() == [
        f"encode (ToyEncoder): checkpoint {IF} is not here; `nodegraph fetch FILE` downloads what a graph needs; "
        "stage needs it, too",
    ]
    assert hub.requests == []

    done = machine.call("check", graph, "--online")
    assert done.status == 0
    assert re.search(r": text_encoder.* are missing, 40\d kB in 10 files to download\n", done.out)
    assert [request.split()[0] for request in hub.requests] == ["GET"], "the listing is enough"

    done = machine.call("fetch", graph)
    assert done.status == 0, done.err
    place = machine.cache / "models--DeepFloyd--IF-I-XL-v1.0" / "snapshots" / COMMIT
    assert done.out.splitlines() == [
        f"{NAME}: {ALL} are here, in {place}",
        f"{graph}: all checkpoints that it needs are here",
    ]
    assert hub.asked(".bin") == hub.asked(".onnx") == []

    before = len(hub.requests)
    for command in (["check", graph, "--online"], ["fetch", graph]):
        done = machine.call(*command, network=False)
        assert (done.status, done.err, done.out.splitlines()[0]) == (0, "", f"{NAME}: {ALL} are here, in {place}")
    done = machine.call("run", graph, network=False)
    assert done.status == 0, done.err
    assert f"{COMMIT}+unet.fp16" in done.err, "the summary of the node"
    assert len(hub.requests) == before


def test_only_what_is_missing_is_fetched(hub, here, graph):
    alone = graph_file(here.folder / "alone.json", {"encode": "ToyEncoder"})
    assert here.call("fetch", alone)[0] == 0
    assert hub.asked("unet") == []
    hub.requests.clear()
    done = here.call("check", graph, network=False)
    assert done.out.splitlines()[1] == f"{NAME}: unet and scheduler are missing"
    assert done.out.splitlines()[0].startswith(f"{NAME}: text_encoder and tokenizer are here, in ")
    done = here.call("fetch", graph)
    assert done.status == 0 and hub.asked("text_encoder") == []
    assert f"{NAME}: unet and scheduler are missing" in done.err


def test_another_checkpoint_by_set(hub, here, graph, tmp_path):
    write_checkpoint(tmp_path / "mine", "unet", "scheduler", "text_encoder", "tokenizer")
    for value in (tmp_path / "mine", "mine", "./mine"):  # the folder of the file, and the working one
        done = here.call("check", graph, "--set", f"checkpoint.value={value}", network=False)
        assert (done.status, done.out.splitlines()[0]) == (0, f"checkpoint {tmp_path / 'mine'}: {ALL} are here")
        done = here.call("run", graph, "--set", f"checkpoint.value={value}", network=False)
        assert done.status == 0, done.err
    done = here.call("fetch", graph, "--set", "checkpoint.value=nobody/nothing")
    assert done.status == 1
    assert f"{hub.endpoint} has no model nobody/nothing" in done.err


def test_a_wrong_folder_is_a_problem(here, graph, tmp_path):
    write_checkpoint(tmp_path / "mine", "text_encoder", "tokenizer")
    for command in ("check", "run", "fetch"):
        done = here.call(command, graph, "--set", "checkpoint.value=mine", network=False)
        assert done.status == 2
        assert f"{tmp_path / 'mine'} holds no unet/, which should be a U-Net" in done.out + done.err
    assert "stage (ToyStage): checkpoint" in here.call("check", graph, "--set", "checkpoint.value=mine")[1]


def test_what_names_no_checkpoint_is_said_once_and_is_no_question(here, graph):
    told = "no folder that is here, and no id of the hub such as DeepFloyd/IF-I-XL-v1.0"
    done = here.call("check", graph, "--set", "checkpoint.value=no/such/folder", network=False)
    assert (done.status, done.err) == (2, "")
    assert done.out.splitlines() == [
        f"encode (ToyEncoder): checkpoint no/such/folder is {told}; it comes from checkpoint.value; the same at stage",
        f"{graph}: 3 nodes, 3 links, 1 problem",
    ]
    done = here.call("fetch", graph, "--set", "checkpoint.value=", network=False)
    assert done.status == 2 and "only a run" not in done.err


def test_the_network_is_used_with_online_only(hub, here, graph):
    here.call("check", graph, "--online", network=False)
    assert here.reached, "the guard sees what is asked"
    here.reached.clear()
    hub.models.clear()
    done = here.call("check", graph, "--online")
    assert done.status == 1
    assert done.err.startswith(f"{hub.endpoint} has no model {IF}")
    assert "are missing\n" in done.out


def test_a_gated_model(hub, here, graph):
    hub.models[IF].gated = True
    done = here.call("fetch", graph)
    assert done.status == 1
    told = (
        f"{IF} is gated: accept its licence at {hub.endpoint}/{IF}, then log in with `hf auth login`, or set HF_TOKEN"
    )
    assert done.err.splitlines() == [
        f"{NAME}: {ALL} are missing", told, f"{graph}: 1 checkpoint could not be fetched",
    ]  # fmt: skip
    assert here.call("fetch", graph, HF_TOKEN="hf_other")[0] == 1
    done = here.call("fetch", graph, HF_TOKEN=GOOD_TOKEN)
    assert done.status == 0, done.err


def test_no_network(here, graph):
    here.connect_to("http://127.0.0.1:9")
    done = here.call("fetch", graph)
    assert done.status == 1
    assert done.err.splitlines()[1].startswith(f"http://127.0.0.1:9 cannot be reached for {IF}: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_and_the_next_call_goes_on(hub, machine, graph, number):
    content = hub.models[IF].files[WEIGHTS] = safetensors(200_000)
    hub.stall = 600_000
    process = machine.start("fetch", graph)
    weights = machine.cache / "models--DeepFloyd--IF-I-XL-v1.0" / "blobs" / f"{sha256(content).hexdigest()}.incomplete"
    deadline = time.monotonic() + 60
    while not (weights.exists() and weights.stat().st_size > 500_000):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == f"stopped; what came stays, and `nodegraph fetch {graph}` goes on from there"
    assert "Traceback" not in err
    hub.stall = None
    hub.requests.clear()
    done = machine.call("fetch", graph)
    assert done.status == 0, done.err
    (asked,) = hub.asked(f"/cdn/{IF}/{WEIGHTS}")
    assert int(asked.partition("bytes=")[2].rstrip("-")) > 500_000


def test_a_disk_that_takes_no_more(hub, machine, graph):
    hub.models[IF].files[WEIGHTS] = safetensors(200_000)
    process = machine.start("fetch", graph, below="ulimit -f 200")
    err = process.communicate(timeout=120)[1]
    assert process.returncode == 1, err
    assert err.splitlines()[-2:] == [
        f"{machine.cache} cannot be written: File too large",
        f"{graph}: 1 checkpoint could not be fetched",
    ]


def test_a_checkpoint_that_only_a_run_can_tell(hub, here, tmp_path):
    file = graph_file(
        tmp_path / "told.json",
        {"encode": "ToyEncoder", "stage": ("ToyStage", {"prompt": ""})},
        ["encode.prompt -> stage.checkpoint"],
    )
    done = here.call("check", file, network=False)
    assert (done.status, done.err) == (0, "checkpoint of stage.checkpoint: only a run can tell which\n")
    done = here.call("fetch", file)
    assert done.status == 0 and "only a run can tell which, so it is not fetched" in done.err
    assert hub.asked("unet") == []


def test_a_graph_without_checkpoints(here, tmp_path):
    file = graph_file(tmp_path / "none.json", {"text": "Text"})
    assert here.call("fetch", file, network=False) == (0, f"{file}: it needs no checkpoint\n", "")
    assert (
        here.call("check", file, network=False)[1] == f"{file}: 1 node, 0 links, nothing that keeps it from running\n"
    )


def test_help_names_fetch(here):
    done = here.call("--help", network=False)
    assert re.search(r"fetch +Download the checkpoints that a graph needs", done.out)
    done = here.call("fetch", "--help", network=False)
    assert "hf auth login" in done.out and "Ctrl+C stops; the next call goes on" in done.out
