"""The command line: what it prints and where, its exit statuses, and that no traceback reaches a user."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import toys
from cli_calls import call, environment, graph_file, with_toys

from nodegraph.registry import Registry

LOG = Path("state") / "nodegraph" / "log.txt"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry) -> Path:
    """Work in an empty folder, with the toy nodes and with the log below it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("nodegraph.plugins.load_plugins", lambda: registry)
    return tmp_path


@pytest.fixture
def three(here: Path) -> Path:
    """A graph that writes 2 x 3 to a file."""
    nodes = {
        "two": ("Number", {"value": 2}),
        "product": ("Multiply", {"scale": 3}),
        "text": ("Text", {"text": "six"}),
        "file": ("WriteFile", {"name": "six.txt"}),
    }
    return graph_file(here / "three.json", nodes, ["two.value -> product.value", "text.text -> file.text"])


def test_plain_call_prints_the_menu_where_no_editor_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodegraph.cli.editor.why_no_editor", lambda: "there is no display")
    result = call()
    assert result.exit_code == 0
    assert result.stderr.strip() == "The editor was not opened: there is no display"
    for name in ("edit", "run", "check", "nodes", "plugins", "new-plugin", "worker"):
        assert re.search(rf"^  {name} ", result.stdout, re.MULTILINE)


def test_run_tells_each_node_and_names_the_files(three: Path) -> None:
    result = call("run", three)
    assert result.exit_code == 0
    assert result.stdout == os.path.join("output", "six.txt") + "\n"
    assert Path("output/six.txt").read_text() == "six"
    lines = result.stderr.splitlines()
    assert "start   file (WriteFile)" in lines
    assert any(re.fullmatch(r"done    product \(Multiply\)  0\.\d\d s.*", line) for line in lines)
    assert re.fullmatch(rf"{re.escape(str(three))}: done in [\d.]+ s, 1 file:", lines[-1])


def test_a_second_run_adds_a_number(three: Path) -> None:
    call("run", three)
    assert call("run", three).stdout == os.path.join("output", "six-2.txt") + "\n"


def test_out_names_the_folder(three: Path, here: Path) -> None:
    assert call("run", three, "--out", here / "else" / "where").exit_code == 0
    assert (here / "else" / "where" / "six.txt").is_file()
    assert not (here / "output").exists()


@pytest.mark.parametrize("out", ["taken", "taken/below"])
def test_out_that_can_be_no_folder_is_a_wrong_call(three: Path, out: str) -> None:
    Path("taken").write_text("")
    result = call("run", three, "--out", out)
    assert result.exit_code == 2 and toys.calls == []
    assert result.stderr.startswith(f"--out {out}: ") and result.stderr.endswith("taken is no folder\n")


def test_a_device_that_is_not_here_is_a_wrong_call(three: Path, registry: Registry) -> None:
    def refuse(name: str) -> str:
        raise ValueError(f"the device is {name}, but this machine has none")

    registry.add_device_namer("toys", refuse)
    result = call("run", three, "--device", "cuda:1")
    assert result.exit_code == 2 and toys.calls == []
    assert "--device cuda:1: the device is cuda:1, but this machine has none" in result.stderr
    assert call("run", three).exit_code == 0  # no toy asks for a device


def test_set_is_parsed_by_the_type_of_the_input(three: Path) -> None:
    result = call("run", three, "--set", "file.name=a=b.txt", "--set", "product.scale=-4.5", "--events", "json")
    assert result.exit_code == 0
    assert Path("output/a=b.txt").is_file()


def test_flags_are_the_same_as_set(three: Path) -> None:
    assert call("run", three, "--file.name", "flag.txt", "--product.scale=-4").exit_code == 0
    assert call("run", "--product.scale", "-4", three, "--file.name=other.txt").exit_code == 0
    assert Path("output/flag.txt").is_file() and Path("output/other.txt").is_file()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--set", "product.scale"], "--set product.scale: must be like --set node.input=value"),
        (["--set", "product.scale=99"], "--set product.scale: scale is 99, must be at most 30"),
        (["--set", "product.scale=wide"], "--set product.scale: scale is 'wide', must be a number"),
        (["--set", "produkt.scale=1"], "there is no node 'produkt'; did you mean 'product.scale'?"),
        (["--set", "nope.scale=3"], "--set nope.scale: there is no node 'nope'; there are two, product, text, file\n"),
        (["--set", "produkt.nope=3"], "there is no node 'produkt'; did you mean 'product'?"),
        (["--set", "product.nope=3"], "product (Multiply) has no input 'nope'; what can be given: scale"),
        (["--set", "product.skale=1"], "product (Multiply) has no input 'skale'; did you mean 'product.scale'?"),
        (["--set", "product.value=1"], "a value would do nothing, since the link two.value -> product.value is there"),
        (["--product.skale", "1"], "--product.skale: product (Multiply) has no input 'skale'; did you mean"),
        (["--product.scale"], "--product.scale: scale needs a value"),
        (["--only", "fil"], "there is no node 'fil'; did you mean 'file'?"),
        (["--device", "gpu"], "'gpu' is no device, must be auto, cpu, cuda:0 or mps"),
        (["--scale", "2"], "--product.scale"),
        (["--onyl", "file"], "--only"),
        (["--events", "xml"], "json"),
    ],
)
def test_a_wrong_call_is_told_with_the_nearest_known(three: Path, args: list[str], message: str) -> None:
    result = call("run", three, *args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == "" and not Path("output").exists()
    assert "Traceback" not in result.stderr


def test_only_runs_what_that_node_needs(three: Path) -> None:
    result = call("run", three, "--only", "product")
    assert result.exit_code == 0 and result.stdout == ""
    assert toys.calls == ["Number", "Multiply"]


def test_events_are_json_lines_and_nothing_else(three: Path) -> None:
    result = call("run", three, "--events", "json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in (events[0], events[-1])] == ["RunStarted", "RunFinished"]
    assert {event["node"] for event in events if event["event"] == "NodeFinished"} == {"two", "product", "text", "file"}
    assert "six.txt" in result.stderr


def test_a_failed_node_is_status_1_and_the_rest_runs(here: Path) -> None:
    nodes = {"bad": ("Fail", {"message": "no luck"}), "after": "Show", "good": ("WriteFile", {"text": "good"})}
    file = graph_file(here / "g.json", nodes, ["bad.value -> after.value"])
    result = call("run", file)
    assert result.exit_code == 1
    assert "failed  bad (Fail): no luck" in result.stderr
    assert "skipped after (Show)" in result.stderr
    assert "1 node failed" in result.stderr
    assert result.stdout == os.path.join("output", "toy.txt") + "\n"
    assert "Traceback" not in result.stderr
    assert "ValueError: no luck" in LOG.read_text()


def test_a_failed_node_is_told_beside_json_events(here: Path) -> None:
    file = graph_file(here / "g.json", {"bad": ("Fail", {"message": "no luck"})})
    result = call("run", file, "--events", "json")
    assert result.exit_code == 1
    assert "bad (Fail): no luck" in result.stderr
    assert any(json.loads(line)["event"] == "NodeFailed" for line in result.stdout.splitlines())


def test_verbose_shows_the_traceback(here: Path) -> None:
    file = graph_file(here / "g.json", {"bad": "Fail"})
    result = call("run", file, "--verbose")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr and "ValueError: as asked" in result.stderr


def test_a_log_that_cannot_be_written_disturbs_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(here / "file"))
    result = call("run", graph_file(here / "g.json", {"bad": "Fail"}))
    assert result.exit_code == 1 and "Traceback" not in result.stderr and "Logging error" not in result.stderr


def test_a_large_log_is_put_aside(here: Path) -> None:
    file = graph_file(here / "g.json", {"bad": "Fail"})
    LOG.parent.mkdir(parents=True)
    LOG.write_text("x" * 1_000_001)
    call("run", file)
    assert LOG.stat().st_size < 100_000 and LOG.with_name("log.old.txt").stat().st_size == 1_000_001


def test_a_faulty_graph_is_refused_with_every_problem(here: Path) -> None:
    nodes = {"a": ("Multiply", {"scale": 99}), "b": "Nowhere", "c": "Add"}
    file = graph_file(here / "g.json", nodes, ["a.value -> c.a"])
    result = call("run", file)
    assert result.exit_code == 2
    assert "a (Multiply): scale is 99, must be at most 30" in result.stderr
    assert "Nowhere" in result.stderr
    assert toys.calls == []
    assert "must be at most 30" in LOG.read_text() and "Traceback" not in LOG.read_text()


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "g.json: the file is empty"),
        (b"{", "g.json: line 1"),
        (b'{"nodegraph": 1, "nodes": {"a": {"typ": "Show"}}}', "g.json: nodes.a"),
        (b"\xff\xfe", "UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "g.json"),
    ],
)
def test_a_broken_file_is_status_2(here: Path, command: str, content: bytes, message: str) -> None:
    (here / "g.json").write_bytes(content)
    result = call(command, "g.json")
    assert result.exit_code == 2
    assert message in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_file_that_is_not_there(three: Path, command: str) -> None:
    result = call(command, "tree.json")
    assert result.exit_code == 2
    assert "tree.json: is not there; did you mean 'three.json'?" in result.stderr


@pytest.mark.parametrize("command", ["run", "check"])
def test_the_file_is_missing_in_the_call(command: str) -> None:
    result = call(command)
    assert result.exit_code == 2 and "FILE" in result.stderr


def test_a_path_is_taken_from_the_working_directory(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("graphs", "work"):
        (here / name).mkdir()
    (here / "graphs" / "beside.txt").write_text("beside the graph")
    (here / "work" / "mine.txt").write_text("where I am")
    nodes = {"read": ("ReadFile", {"path": "beside.txt"}), "write": "WriteFile"}
    file = graph_file(here / "graphs" / "g.json", nodes, ["read.digest -> write.text"])
    monkeypatch.chdir(here / "work")
    digests = []
    for args in ([], ["--read.path", "mine.txt"], ["--read.path", "../graphs/beside.txt"]):
        result = call("run", file, *args)
        assert result.exit_code == 0, result.stderr
        digests.append(Path(result.stdout.strip()).read_text())
    assert digests[0] != digests[1] and digests[0] == digests[2]


def test_an_odd_graph_is_warned_of_and_runs(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nodegraph.errors import Problem

    odd = Problem("a", None, "is odd", kind="warning", type="Number")
    monkeypatch.setattr("nodegraph.checks.check", lambda *args, **targets: [odd])
    file = graph_file(here / "g.json", {"a": "Number"})
    assert "warning a (Number): is odd" in call("check", file).stdout
    result = call("run", file)
    assert result.exit_code == 0 and "warning a (Number): is odd" in result.stderr


def test_equal_seeds_are_told_once(here: Path) -> None:
    nodes = {"one": ("Drawn", {"seed": 3}), "two": ("Drawn", {"seed": 3})}
    file = graph_file(here / "g.json", nodes, ["one.value -> two.value"])
    process = subprocess.run(with_toys("run", file), env=environment(here), capture_output=True, text=True)
    assert process.returncode == 0
    assert process.stderr.count("two (Drawn): seed is 3, like that of one") == 1


def test_a_mistake_of_our_own_is_told_without_traceback(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **rest: object) -> None:
        raise KeyError("inside")

    monkeypatch.setattr("nodegraph.checks.check", broken)
    result = call("check", three)
    assert result.exit_code == 1
    assert "KeyError: 'inside'" in result.stderr and "Traceback" not in result.stderr
    assert "Traceback" in LOG.read_text()


def test_control_characters_of_a_graph_do_not_reach_the_terminal(here: Path) -> None:
    file = graph_file(here / "g.json", {"bad": ("Fail", {"message": "\x1b]0;gotcha\x07red"})})
    assert "\x1b" not in call("run", file).stderr


def test_check_names_every_problem(here: Path) -> None:
    file = graph_file(here / "g.json", {"a": ("Multiply", {"scale": 99}), "b": "Nowhere"})
    result = call("check", file)
    assert result.exit_code == 2
    assert "a (Multiply): scale is 99, must be at most 30" in result.stdout
    assert "b (Nowhere)" in result.stdout
    assert "2 nodes, 0 links, 3 problems" in result.stdout


def test_check_of_a_good_graph(three: Path) -> None:
    result = call("check", three)
    assert result.exit_code == 0
    assert result.stdout == f"{three}: 4 nodes, 2 links, nothing that keeps it from running\n"
    assert toys.calls == []


def test_nodes_lists_every_type(registry: Registry) -> None:
    result = call("nodes")
    assert result.exit_code == 0
    for type_id, spec in registry.node_types.items():
        assert re.search(rf"^  {type_id} +{re.escape(spec.summary[:20])}", result.stdout, re.MULTILINE)


def test_nodes_tells_all_about_one() -> None:
    result = call("nodes", "Multiply")
    assert result.exit_code == 0
    assert "Multiply a number by a factor with a range." in result.stdout
    assert re.search(r"scale: float +a factor  \[default 2\.0, -30 to 30\]", result.stdout)
    assert re.search(r"value: float +any number  \[required\]", result.stdout)


def test_nodes_knows_the_nearest() -> None:
    result = call("nodes", "Multipli")
    assert result.exit_code == 2 and "did you mean 'Multiply'?" in result.stderr


def test_plugins_lists_versions_and_troubles(registry: Registry) -> None:
    registry.add_plugin("nodegraph-toys", "1.2.3")
    registry.add_problem("nodegraph-broken: cannot be imported")
    result = call("plugins")
    assert result.exit_code == 0
    assert re.search(r"nodegraph-toys 1\.2\.3 +0 node types", result.stdout)
    assert "nodegraph-broken: cannot be imported" in result.stderr


def test_new_plugin_makes_a_folder(here: Path) -> None:
    result = call("new-plugin", "sharpen", "--out", here)
    assert result.exit_code == 0, result.stderr
    made = Path(result.stdout.strip())
    assert made.parent == here and (made / "pyproject.toml").is_file()
    again = call("new-plugin", "sharpen", "--out", here)
    assert again.exit_code == 2 and "Traceback" not in again.stderr


# In a process of its own: what only the system does.


def wait_for(process: "subprocess.Popen[str]", text: str, stream: str = "stderr") -> None:
    """Read lines until one holds the text."""
    for line in getattr(process, stream):
        if text in line:
            return
    raise AssertionError(f"{text!r} never came")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_cancels(here: Path) -> None:
    nodes = {"file": ("WriteFile", {"text": "kept"}), "slow": ("Slow", {"steps": 100_000, "seconds": 0.01})}
    file = graph_file(here / "g.json", nodes)
    process = subprocess.Popen(
        with_toys("run", file), env=environment(here), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_for(process, "start   slow")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)  # far less than the run would take
    assert process.returncode == 130
    assert "cancelled" in stderr and "Traceback" not in stderr
    assert stdout == os.path.join("output", "toy.txt") + "\n"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_second_ctrl_c_ends_a_node_that_never_asks(here: Path) -> None:
    file = graph_file(here / "g.json", {"slow": ("Slow", {"steps": 10, "seconds": 10})})
    process = subprocess.Popen(with_toys("run", file), env=environment(here), text=True, stderr=subprocess.PIPE)
    wait_for(process, "start   slow")
    process.send_signal(signal.SIGINT)
    wait_for(process, "Ctrl+C again")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)  # far less than ten steps of ten seconds
    assert process.returncode in (-signal.SIGINT, 130)
    assert "Traceback" not in stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of the shell")
def test_a_reader_that_goes_away_gets_no_traceback(here: Path) -> None:
    file = graph_file(here / "g.json", {"slow": ("Slow", {"steps": 100_000, "seconds": 0.001})})
    for args in (["run", file, "--events", "json"], ["nodes"], ["run", "--help"]):
        process = subprocess.Popen(
            with_toys(*args), env=environment(here), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        stderr = process.stderr.read().decode()
        assert process.wait(120) in (1, 130)
        assert "Traceback" not in stderr and "BrokenPipe" not in stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("args", [["run", "three.json"], ["nodes"], ["check", "three.json"], ["run", "--help"], ["-h"]])
def test_a_full_standard_output_is_told_as_such(three: Path, here: Path, args: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(with_toys(*args), env=environment(here), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "cannot write to standard output: No space left on device"
    assert "Traceback" not in done.stderr and "went wrong" not in done.stderr


def test_a_terminal_without_our_letters(here: Path) -> None:
    file = graph_file(here / "g.json", {"bad": ("Fail", {"message": "σ ε ×"})})
    done = subprocess.run(
        with_toys("run", file), env=environment(here, PYTHONIOENCODING="latin-1"), capture_output=True
    )
    assert done.returncode == 1 and "bad (Fail): ? ? ×".encode("latin-1") in done.stderr


def test_python_m_and_the_script_are_the_command(here: Path) -> None:
    for command in ([sys.executable, "-m", "nodegraph"], [str(Path(sys.executable).with_name("nodegraph"))]):
        done = subprocess.run([*command, "--version"], env=environment(here), capture_output=True, text=True)
        assert re.fullmatch(r"nodegraph \d+\.\d+\.\d+\S*\n", done.stdout)
