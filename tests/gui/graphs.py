"""Random graphs and random edits of them, for laws that hold whatever was done."""

from nodegraph import Graph, Link, Node

KINDS = ("PureNoise", "UNetMNIST", "CFGCombine", "IterativeSampler", "ImageGrid", "TrainUNet", "EncodePrompt", "None")
OUTPUTS = ("denoiser", "image", "noisy", "model", "value")
INPUTS = ("conditional", "unconditional", "images", "start", "scale", "captions", "model", "denoiser", "timesteps")


def random_node(chance):
    inputs = {} if chance.random() < 0.5 else {"scale": chance.random() * 40, "digit": "3", "stray": [1, 2]}
    mode = chance.choice((None, None, "mute", "bypass"))
    return Node(type=chance.choice(KINDS), inputs=inputs, mode=mode, title=chance.choice((None, "A title")))


def random_link(chance, nodes):
    index = chance.choice((None, None, 0, 1, 3))
    source, target = chance.choice(nodes), chance.choice(nodes)
    return Link(source=source, output=chance.choice(OUTPUTS), target=target, input=chance.choice(INPUTS), index=index)


def random_rect(chance):
    return [chance.randrange(-500, 500) for _ in "xy"] + [chance.randrange(20, 600) for _ in "wh"]


def random_canvas(chance, nodes):
    """A canvas with a place for every node, as the editor writes them."""
    some = [id for id in nodes if chance.random() < 0.2]
    return {
        "positions": {id: [chance.randrange(-2000, 2000), chance.randrange(-2000, 2000)] for id in nodes},
        "collapsed": some,
        "colours": {id: "#4fa3e0" for id in nodes if chance.random() < 0.2},
        "widths": {id: chance.randrange(100, 500) for id in nodes if chance.random() < 0.2},
        "frames": [{"title": "F", "colour": "#aa5500", "rect": random_rect(chance)}] * chance.randrange(3),
        "notes": [{"text": f"*N* {n}", "rect": random_rect(chance)} for n in range(chance.randrange(3))],
    }


def random_graph(chance, count=12):
    nodes = {f"n{number}": random_node(chance) for number in range(count)}
    links = [random_link(chance, list(nodes)) for _ in range(count * 2)] if nodes else []
    return Graph(nodes=nodes, links=links, canvas=random_canvas(chance, list(nodes)))


def random_edit(chance, graph):
    """Another graph: some nodes and links more, fewer or other, and now and then another canvas."""
    nodes, links, canvas = dict(graph.nodes), list(graph.links), dict(graph.canvas)
    what = chance.randrange(7)
    if what == 0 or not nodes:
        new = next(f"n{number}" for number in range(1000) if f"n{number}" not in nodes)
        nodes[new] = random_node(chance)
        canvas["positions"] = {**canvas.get("positions", {}), new: [chance.randrange(900), 40]}
    elif what == 1:
        gone = chance.choice(list(nodes))
        del nodes[gone]
        links = [link for link in links if gone not in (link.source, link.target) or chance.random() < 0.1]
    elif what == 2:
        links.append(random_link(chance, list(nodes)))
    elif what == 3 and links:
        del links[chance.randrange(len(links))]
    elif what == 4:
        nodes[chance.choice(list(nodes))] = random_node(chance)
    elif what == 5:
        canvas = random_canvas(chance, list(nodes))
    else:
        id = chance.choice(list(nodes))
        canvas["positions"] = {**canvas.get("positions", {}), id: [chance.randrange(-900, 900), 0]}
    return Graph(nodes=nodes, links=links, canvas=canvas)
