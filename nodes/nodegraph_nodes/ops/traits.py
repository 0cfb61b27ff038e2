"""What the configuration of a U-Net says of it, and which stage of DeepFloyd IF that makes it: no weight, no torch."""

from dataclasses import dataclass

from nodegraph_nodes.ops.checkpoints import Checkpoint

FIRST = ("unet", "scheduler")
SECOND = ("unet", "scheduler", "image_noising_scheduler")


@dataclass(frozen=True)
class Traits:
    """What a U-Net takes and gives.

    Attributes:
        taken: channels that it takes.
        given: channels that it gives.
        levelled: whether it is told a noise level besides the timestep.
        width: how many numbers each token of a prompt has.
        multiple: what the sides of pictures must be divisible by: it halves them once less than it has levels.
        size: the side of the pictures that it was trained on.
    """

    taken: int
    given: int
    levelled: bool
    width: int
    multiple: int
    size: int


def traits(checkpoint: Checkpoint) -> Traits:
    """Read the configuration of `unet/`; ValueError when it is not that of a U-Net for texts."""
    config, place = checkpoint.config("unet"), f"unet/config.json in {checkpoint.folder}"
    kind = config.get("_class_name")
    if kind != "UNet2DConditionModel":
        found = f"describes a {kind}" if kind else "names no class"
        raise ValueError(f"{place} {found}, must be a UNet2DConditionModel")
    for name, text in (("encoder_hid_dim_type", "text_proj"), ("addition_embed_type", "text")):
        if config.get(name) not in (None, text):
            raise ValueError(
                f"{place} has the {name} {config[name]}, must be {text}: a network that is told a text only"
            )
    try:
        return Traits(
            taken=int(config["in_channels"]),
            given=int(config["out_channels"]),
            levelled=config.get("class_embed_type") == "timestep",
            width=int(config.get("encoder_hid_dim") or config["cross_attention_dim"]),
            multiple=2 ** (len(config["block_out_channels"]) - 1),
            size=int(config["sample_size"]),
        )
    except KeyError as lacking:
        raise ValueError(f"{place} lacks {lacking}; get the checkpoint again") from None
    except (TypeError, ValueError):
        raise ValueError(f"{place} has numbers that are none; get the checkpoint again") from None


def first_traits(checkpoint: Checkpoint) -> Traits:
    """Those of a network that draws small pictures; ValueError when it is none."""
    unet = traits(checkpoint)
    if unet.levelled:
        raise ValueError(f"{checkpoint.folder} enlarges pictures and is for IFStage2; IFStage1 needs a first stage")
    check_channels(unet, unet.taken, checkpoint)
    return unet


def second_traits(checkpoint: Checkpoint) -> Traits:
    """Those of a network that enlarges pictures, half of whose channels are the enlarged one's."""
    unet = traits(checkpoint)
    if not unet.levelled or unet.taken % 2:
        raise ValueError(f"{checkpoint.folder} does not enlarge pictures; IFStage2 needs a second stage")
    check_channels(unet, unet.taken // 2, checkpoint)
    return unet


def check_channels(unet: Traits, channels: int, checkpoint: Checkpoint) -> None:
    """ValueError when the network gives something else than noise, or noise and variance, of its pictures."""
    if unet.given not in (channels, 2 * channels):
        raise ValueError(
            f"unet/ in {checkpoint.folder} gives {unet.given} channels for pictures of {channels}, "
            f"must be {2 * channels}, the noise and its variance, or {channels}"
        )
