"""What plugins may rely on: the public modules name what they hold, and only `networks` imports torch."""

import json
import subprocess
import sys
from importlib import import_module

import pytest

import nodegraph_nodes


@pytest.mark.parametrize("name", nodegraph_nodes.PUBLIC)
def test_a_public_module_says_what_it_holds(name):
    module = import_module(f"nodegraph_nodes.{name}")
    assert "public module" in module.__doc__.lower() or name == "types"
    assert len(module.__all__) == len(set(module.__all__))
    assert [each for each in module.__all__ if not hasattr(module, each)] == []


def test_they_are_light_but_for_networks():
    code = (
        "import json, sys; from importlib import import_module\n"
        f"for name in {nodegraph_nodes.PUBLIC!r}:\n"
        "    import_module(f'nodegraph_nodes.{name}'); print(json.dumps([name, 'torch' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told = dict(json.loads(line) for line in done.stdout.splitlines())
    assert told == {name: name == "networks" for name in nodegraph_nodes.PUBLIC}
    assert nodegraph_nodes.PUBLIC[-1] == "networks"
