"""The nodes that come with Nodegraph, and the mathematics of diffusion under them (`nodegraph_nodes.ops`).

To the engine they are a plugin like any other: `nodegraph_nodes.plugin` registers them through the public hooks.
"""
