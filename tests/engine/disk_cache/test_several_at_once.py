"""Several processes and threads at one disk layer: whole entries, and no more than there is room for."""

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import letters
from letters import entries, letter_of

from nodegraph.disk_cache import DiskCache
from nodegraph.registry import Registry


def test_a_second_process_gets_what_the_first_one_made(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys
        sys.path.insert(0, sys.argv[1])
        import letters as toys
        from pathlib import Path
        registry = toys.Registry([toys.source, toys.write, toys.read], value_types=[toys.LETTER])
        print(toys.run(registry, Path(sys.argv[2]), keep="targets")["r"], *toys.calls)
    """)
    told = [
        subprocess.run(
            [sys.executable, "-c", code, str(Path(letters.__file__).parent), str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert told == ["dear Source Write Read\n", "dear Read\n"]


def test_writers_that_are_killed_at_any_moment_leave_nothing_wrong(registry: Registry, folder: Path) -> None:
    """Pairs of processes that write and read the same entries, one of them killed; the bound leaves room for two."""
    random.seed(0)
    spec = registry.node_types["Write"]
    keys = [bytes([number]) * 32 for number in range(4)]
    disk = DiskCache(registry, folder, 2 * len(json.dumps({"text": letter_of(1).text})) + 2000)

    def work() -> None:
        try:
            while True:
                number = random.randrange(4)
                found = disk.get(keys[number], spec)
                if found is not None and found.outputs["letter"] != letter_of(number):
                    os._exit(3)
                disk.put(keys[number], spec, {"letter": letter_of(number)})
        finally:
            os._exit(1)

    seen = 0
    for pair in range(60):
        children = []
        for child in range(2):
            children.append(os.fork())
            if children[-1] == 0:
                random.seed(10 * pair + child)
                work()
        time.sleep(random.uniform(0, 0.05))
        for child in children:
            os.kill(child, signal.SIGKILL)
            assert os.waitpid(child, 0)[1] == signal.SIGKILL, "a child read a wrong letter, or raised"
        for number, key in enumerate(keys):
            found = disk.get(key, spec)
            assert found is None or found.outputs["letter"] == letter_of(number)
            seen += found is not None
    assert seen > 20
    assert disk.put(keys[0], spec, {"letter": letter_of(0)})
    assert [path.suffix for path in entries(folder)] == [".value"] * len(entries(folder)), "half-written ones are gone"
    assert sum(path.stat().st_size for path in entries(folder)) <= disk.limit_bytes


def test_threads_do_not_disturb_each_other(registry: Registry, folder: Path) -> None:
    spec, disk = registry.node_types["Write"], DiskCache(registry, folder, 400_000)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(25):
            number = chance.randrange(6)
            found = disk.get(bytes([number]) * 32, spec)
            assert found is None or found.outputs["letter"] == letter_of(number)
            assert disk.put(bytes([number]) * 32, spec, {"letter": letter_of(number)}), "not kept"

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))  # raises what one of them raised
