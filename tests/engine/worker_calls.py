"""What the tests of the worker share: a plugin with toy nodes, installed for one process, and a talk with a worker."""

import json
import os
import queue
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["Talk", "environment", "graph_text", "install_toys", "pixel_png"]

PLUGIN = '''
"""Toy nodes for the tests of the worker: some print, one dies, one never asks."""

import ctypes
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from nodegraph import Context, ValueType, hookimpl, node

print("a plugin prints while it is loaded")
Number = Annotated[float, Field(description="any number")]


@dataclass(frozen=True)
class Jar:
    """A wire type with views."""

    content: float


@node("ToyNumber", category="Toys", outputs="value")
def number(value: Number = 1.0) -> float:
    """A number."""
    return value


@node("ToyJar", category="Toys", outputs="jar")
def jar(content: Number = 1.0) -> Jar:
    """A jar."""
    return Jar(content)


@node("ToyJars", category="Toys", outputs="jars")
def jars(count: Annotated[int, Field(description="how many")] = 3) -> list[Jar]:
    """Jars."""
    return [Jar(float(number)) for number in range(count)]


@node("ToyLook", category="Toys", outputs="content")
def look(jar: Jar) -> float:
    """What is in a jar."""
    return jar.content


@node("ToyNoisy", category="Toys", outputs="value", pure=False)
def noisy(value: Number = 0.0) -> float:
    """Print in every way there is."""
    print("printed by Python")
    sys.stdout.flush()
    os.write(1, b"written to descriptor 1\\n")
    libc = ctypes.CDLL(None)
    libc.puts(b"printed by C")
    libc.fflush(None)
    subprocess.run([sys.executable, "-c", "print('printed by a child')"], check=True)
    try:
        input()
        raise RuntimeError("the input was read")
    except EOFError:
        return value


@node("ToySlow", category="Toys", outputs="value")
def slow(
    context: Context,
    value: Number = 0.0,
    steps: Annotated[int, Field(ge=1, description="how many steps")] = 5,
    seconds: Annotated[float, Field(ge=0, description="how long a step takes")] = 0.0,
) -> float:
    """Take steps and report each."""
    for step in range(1, steps + 1):
        time.sleep(seconds)
        context.progress(step, steps, preview=lambda: PNG, numbers={"loss": 1 / step, "epoch": step}, text="going")
    return value


@node("ToyStuck", category="Toys", outputs="value")
def stuck(context: Context, value: Number = 0.0) -> float:
    """Never ask whether to go on."""
    context.progress(0, 1)
    time.sleep(600)
    return value


@node("ToyCrash", category="Toys", outputs="value")
def crash(context: Context, value: Number = 0.0) -> float:
    """End the process, as a library in C would."""
    context.progress(0, 1)
    time.sleep(0.2)
    print("about to crash", flush=True)
    os._exit(11)


@node("ToyFail", category="Toys", outputs="value")
def fail(value: Number = 0.0) -> float:
    """Fail."""
    raise ValueError("value is wrong, must be right")


@node("ToyWrite", category="Toys", outputs="path", pure=False)
def write(
    context: Context, text: Annotated[str, Field(description="the text")] = "hello",
    name: Annotated[str, Field(description="the name")] = "toy.txt",
) -> Path:
    """Write a file."""
    return context.output.write(name, text.encode())


@node("ToyRead", category="Toys", outputs="text")
def read(
    path: Annotated[Path, Field(description="the file", json_schema_extra={"exists": True})]
) -> str:
    """Read a file."""
    return path.read_text()


@hookimpl
def nodegraph_node_types():
    return [number, jar, jars, look, noisy, slow, stuck, crash, fail, write, read]


def picture(jar, index=0, size=64):
    if index:
        raise ValueError(f"index is {index}, must be 0")
    return PNG


def broken(jar):
    raise KeyError("missing")


@hookimpl
def nodegraph_value_types():
    views = {
        "picture": picture,
        "numbers": lambda jar: {"x": [jar.content, float("nan")]},
        "info": lambda jar: {"count": 7},
        "broken": broken,
    }
    return [ValueType(Jar, summary=lambda jar: f"a jar of {jar.content:g}", views=views)]


PNG = bytes.fromhex("%s")
'''


def pixel_png() -> bytes:
    """A PNG of one red pixel, made without an image library."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head, rows = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0), zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def install_toys(folder: Path) -> Path:
    """Make a folder that, on the path of Python, is an installed plugin."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "worker_toys.py").write_text(PLUGIN % pixel_png().hex())
    info = folder / "worker_toys-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: worker-toys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nodegraph]\nworker_toys = worker_toys\n")
    return folder


def environment(tmp: Path) -> dict[str, str]:
    """The environment of a worker with the toys, with its log and its temporary files below `tmp`."""
    toys = install_toys(tmp / "toys")
    (tmp / "temporary").mkdir(exist_ok=True)
    path = os.pathsep.join([str(toys), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "XDG_STATE_HOME": str(tmp), "TMPDIR": str(tmp / "temporary")}


def graph_text(nodes: Mapping[str, Any], links: Sequence[str] = ()) -> str:
    """The text of a graph; a node is its type, or its type and inputs."""
    written = {
        id: {"type": node} if isinstance(node, str) else {"type": node[0], "inputs": node[1]}
        for id, node in nodes.items()
    }
    return json.dumps({"nodegraph": 1, "nodes": written, "links": list(links)})


class Talk:
    """A worker in a process of its own, and what it said."""

    def __init__(self, tmp: Path, *more: str, cwd: Path | None = None) -> None:
        command = [sys.executable, "-m", "nodegraph", "worker", *more]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(tmp / "errors.txt").open("wb"),
            env=environment(tmp), cwd=cwd or tmp,
        )  # fmt: skip
        self.tmp = tmp
        self.number = 0
        self.lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.events: list[dict[str, Any]] = []
        self.answers: dict[Any, dict[str, Any]] = {}
        threading.Thread(target=self._read, daemon=True).start()
        self.greeting = self.next()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line, parse_constant=lambda word: pytest_fail(word)))
        self.lines.put(None)

    def next(self, timeout: float = 60) -> dict[str, Any]:
        found = self.lines.get(timeout=timeout)
        assert found is not None, f"the worker has ended: {self.errors()}"
        return found

    def send(self, do: str, **fields: Any) -> int:
        self.number += 1
        self.write(json.dumps({"id": self.number, "do": do, **fields}).encode())
        return self.number

    def write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def answer(self, number: Any, timeout: float = 60) -> dict[str, Any]:
        """The answer to a request, reading what comes before it."""
        while number not in self.answers:
            self.take(self.next(timeout))
        return self.answers.pop(number)

    def take(self, line: dict[str, Any]) -> None:
        if "event" in line:
            self.events.append(line)
        else:
            self.answers[line["answer"]] = line

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        return self.answer(self.send(do, **fields))

    def wait_for(self, event: str, node: str | None = None) -> dict[str, Any]:
        while True:
            line = self.next()
            self.take(line)
            if line.get("event") == event and node in (None, line.get("node")):
                return line

    def end(self, timeout: float = 30) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(timeout)

    def errors(self) -> str:
        return (self.tmp / "errors.txt").read_text(errors="replace")

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:
                time.sleep(0)


def pytest_fail(word: str) -> None:
    raise AssertionError(f"the worker wrote {word}, which is no JSON")
