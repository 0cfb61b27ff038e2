"""Shared by all tests: one torch thread, so that tests neither slow each other nor differ with the machine's load.

What nodes keep on the disk goes to a folder that ends with the tests, never to that of the user.
"""

import atexit
import os
import shutil
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["NODEGRAPH_CACHE"] = tempfile.mkdtemp(prefix="nodegraph-tests-")
atexit.register(shutil.rmtree, os.environ["NODEGRAPH_CACHE"], ignore_errors=True)
