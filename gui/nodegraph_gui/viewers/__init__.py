"""Looking at values: pictures, trajectories, curves, texts, and nodes as they run."""

from .docks import ViewerDock
from .kinds import AskView, Info, Viewer

__all__ = ["AskView", "Info", "Viewer", "ViewerDock"]
