"""Where the editor keeps what is no document: recovery files, locks, counts of use."""

import os
from pathlib import Path

import platformdirs

__all__ = ["state_folder"]


def state_folder() -> Path:
    """The user's folder for the state of the editor; $NODEGRAPH_STATE names another. It need not be there yet."""
    named = os.environ.get("NODEGRAPH_STATE")
    return Path(named) if named else platformdirs.user_state_path("nodegraph") / "editor"
