"""Memory of the processor that a step frees: the next one takes it again."""

import os
import subprocess
import sys

from nodegraph_nodes.ops.allocation import keep_freed_memory

COUNTING = """
import resource, torch
from nodegraph_nodes.ops.networks import load_shipped
from nodegraph_nodes.plugin import nodegraph_device

network, x, label = load_shipped().eval(), torch.zeros(32, 1, 28, 28), torch.zeros(32, dtype=torch.long)

def faults():
    with torch.no_grad():
        network(x, 500, label)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(3):
            network(x, 500, label)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
assert nodegraph_device("cpu") == "cpu"
faults()
print(before, faults())
"""


def test_a_run_on_the_processor_asks_the_system_for_far_fewer_pages():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    environment.pop("GLIBC_TUNABLES", None)
    done = subprocess.run([sys.executable, "-c", COUNTING], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    before, after = map(int, done.stdout.split())
    assert after < (before / 4 if glibc() else before * 2 + 1000)


def test_who_tunes_malloc_keeps_what_they_chose(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("MALLOC_", "GLIBC_"))]:
        monkeypatch.delenv(name)
    assert keep_freed_memory() == keep_freed_memory() == glibc()
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000")
    assert not keep_freed_memory()


def test_elsewhere_nothing_is_touched(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()


def glibc() -> bool:
    return sys.platform.startswith("linux") and "glibc" in (os.confstr("CS_GNU_LIBC_VERSION") or "")
