"""Networks, as denoisers and nodes call them: kept in the store of a session, and asked in batches that fit.

A public module: plugins rely on the names in `__all__`. It imports torch, so node modules import it inside functions.
"""

from nodegraph_nodes.ops.devices import find_dtype
from nodegraph_nodes.ops.evaluation import asked_once, gather, rows_for
from nodegraph_nodes.ops.loading import explained, pretrained
from nodegraph_nodes.ops.networks import NetworkDenoiser, Store, StoredNetwork
from nodegraph_nodes.ops.t5 import Encoded, Encoder, check_vocabulary, encode_by
from nodegraph_nodes.ops.unets import ToldUNet, load_unet

__all__ = [
    "Encoded",
    "Encoder",
    "NetworkDenoiser",
    "Store",
    "StoredNetwork",
    "ToldUNet",
    "asked_once",
    "check_vocabulary",
    "encode_by",
    "explained",
    "find_dtype",
    "gather",
    "load_unet",
    "pretrained",
    "rows_for",
]
