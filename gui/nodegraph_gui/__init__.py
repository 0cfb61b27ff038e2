"""The Nodegraph editor.

It meets node types only through what the engine tells of them: neither `nodegraph_nodes` nor torch is imported here.
"""
