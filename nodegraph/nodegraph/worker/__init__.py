"""The worker: a process that describes, checks and runs graphs for another one, such as the editor.

It speaks over standard input and output, one JSON object a line, so that its command may as well be
`ssh gpu-box nodegraph worker`. It refuses to know who asks: no window, no queue, no document.

Protocol 1. The worker begins with a greeting, before it loads any plugin:

    {"worker": "nodegraph", "protocol": 1, "version": "0.1.0", "python": "3.11.7", "platform": "linux", "pid": 4711,
     "device": "auto", "folder": "/home/me"}

`device` is what runs use that name none, `folder` the working directory. Each request `{"id": n, "do": name, ...}` gets
one answer: `{"answer": n, ...}` or `{"answer": n, "error": "one line"}`. What is no request is answered with
`"answer": null`. Answers come in any order: requests are read and answered while a run goes on.

describe    {} -> what there is: {"plugins": {name: version}, "problems": [line, ...], "node_types": [NodeSpec, ...],
            "value_types": [ValueType, ...], "conversions": [Conversion, ...]}, each as its `describe()` says.
device      {name} -> {device}: what "auto" or another name means here. It imports torch.
check       {graph, folder} -> {problems, checkpoints, unknown, steps}
            `graph` is the text of a graph file. `folder` is where its relative paths start; null means the folder where
            `put` puts files. `problems`: [{node, input, message, remedy, kind, type}]. `checkpoints`: [{checkpoint,
            revision, variant, components, nodes, status, place, message, found, missing}], status "here", "missing" or
            "wrong". `unknown`: inputs of which only a run can tell which checkpoint they name. `steps`: {node: n} of
            nodes with an input `steps` whose value is known.
run         {graph, folder, targets, out, device, metadata, cache} -> when the run has ended: {status, problems, run,
            seconds, files, names, out, failed, skipped, cached}
            `targets`: [node, ...], or null for each node without an outgoing link. `out`: the output folder, from
            `folder` on; null is "output" below `folder` or, without one, below the working directory. `device`: null is
            that of the greeting. `metadata`: whether pictures carry the graph (true). `cache`: whether values are
            remembered (true). `status`: "done"; "failed", some nodes did; "cancelled"; "refused", with `problems`, and
            nothing was run. `files` are absolute paths of what was written, `names` the same below `out`, with "/".
            `failed` and `skipped`: {node: why}.
            Before that come the events of the run, `{"event": "NodeProgress", ...}` as of `--events json` (`to_json`),
            previews as PNG in base64; of a node that reports faster than 50 times a second some are left out. A second
            run is refused while one goes on.
cancel, pause, resume
            {} -> {going}: whether there is a run. They take effect at the next step of the node that is running.
value       {node, output, view, options} -> {png: base64}, {text} or {json}
            A value of the last run that made one, as long as it is held: else `error` says so. `output` null: the
            only one. `view`: a name of `info.views`, with its options {name: value}. View "info", for every value:
            json {type, name, summary, count, views, lines: [[label, text], ...]}, and `steps` where the type has them.
            View "text": text. View "thumbnail" {size}: png. Option `item` picks from a value that is a list (0).
have        {digests} -> {missing: [...]} of the files that were put, by sha256 in hex
put         {digest, name, data: base64} -> {name}: keeps a file that a graph then names `cat.png@sha256:<digest>`
get         {path, offset, size} -> {data: base64, size, offset}: a piece of a file that a run of this worker wrote;
            `size` in the answer is that of the whole file. At most 4 MiB at a time.
free        {} -> {}: lets go of values and networks

Whatever a library prints goes to standard error. The end of the input ends the worker, and so do Ctrl+C and SIGTERM; a
run is then cancelled, and answered where someone still listens.
"""

from typing import Final

__all__ = ["MOST_BYTES", "PROTOCOL"]

PROTOCOL: Final = 1
MOST_BYTES: Final = 64 * 2**20  # in one line that is sent to a worker
