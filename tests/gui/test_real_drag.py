"""One drag by the window system itself, on a display of its own: what Qt's screenless platform cannot do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nodegraph
from nodegraph_gui.canvases import canvas_of

SCREEN = "1400x1000x24"


def test_a_kind_is_dragged_from_the_palette_onto_the_canvas(catalogue, tmp_path):
    described = tmp_path / "catalogue.json"
    described.write_text(json.dumps(catalogue.to_json()))
    read, write = os.pipe()
    display = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", SCREEN, "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as told:
            number = told.readline().strip()
        shown = os.environ | {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
        program = [sys.executable, str(Path(__file__).with_name("real_drag.py")), str(described), str(tmp_path)]
        done = subprocess.run(program, env=shown, capture_output=True, text=True, timeout=60)
    finally:
        display.terminate()
        display.wait(10)
    assert done.returncode == 0, done.stderr
    graph = nodegraph.loads(done.stdout)
    assert [node.type for node in graph.nodes.values()] == ["PureNoise"]
    assert "pure_noise" in canvas_of(graph).positions
