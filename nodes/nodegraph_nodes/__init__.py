"""The nodes that come with Nodegraph, and the mathematics of diffusion under them (`nodegraph_nodes.ops`).

To the engine they are a plugin like any other: `nodegraph_nodes.plugin` registers them through the public hooks.

Other plugins may rely on the names in `__all__` of the modules in `PUBLIC`: `types`, what runs along the wires and the
protocol of denoisers; `foresights`, what is known of it before a run; `checkpoints`, inputs that name one; `networks`,
which imports torch, networks in the store of a session. All else may change.
"""

PUBLIC = ("types", "foresights", "checkpoints", "networks")
