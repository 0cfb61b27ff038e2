"""What must agree in a composition, as rules on counts, weights and names: no tensor, no torch.

Each rule is a ValueError whose message begins with the input of the node that is to blame, where there is one. So the
same rule speaks before a run, of what is known by then, and in it.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from nodegraph_nodes.ops.sizes import shape_text
from nodegraph_nodes.ops.words import count

WEIGHT_TOLERANCE = 1e-6
PARTITION_TOLERANCE = 1e-3


def each_of(number: int, word: str) -> str:
    return f"one for the {word}" if number == 1 else f"one for each of the {count(number, word)}"


def one_each(input: str, number: int, parts: int, word: str) -> str:
    """The words for a list that should be as long as another."""
    return f"{input} are {number} for {count(parts, word)}, must be one for each"


def check_sum(parts: int, weights: Sequence[float], based: bool) -> None:
    """What WeightedSum adds up."""
    if not parts:
        raise ValueError("parts are none, must be one at least; link one to parts[0]")
    if len(weights) != parts:
        raise ValueError(one_each("weights", len(weights), parts, "part"))
    check_finite(weights)
    total = sum(weights)
    if not based and abs(total - 1) > WEIGHT_TOLERANCE:
        raise ValueError(
            f"the weights sum to {total:g}, must sum to 1 where there is no base; change them, or link a base"
        )


def check_finite(weights: Sequence[float]) -> None:
    """ValueError when a weight is no number."""
    for weight in weights:
        if not isfinite(weight):
            raise ValueError(f"weights holds {weight}, must all be finite numbers")


def check_negatives(negatives: int, weights: Sequence[float]) -> None:
    """What PerpNeg stays away from; it takes 1 for each where no weights are given."""
    if len(weights) != negatives:
        raise ValueError(one_each("weights", len(weights), negatives, "negative") + "; leave them out for 1 each")
    check_finite(weights)


def check_views(parts: int, views: int) -> None:
    """Through what the parts of MultiView are seen."""
    if not parts:
        raise ValueError("parts are none, must be one at least; link one to parts[0]")
    if views != parts:
        raise ValueError(one_each("views", views, parts, "part") + "; identity is the picture as it stands")


def check_permutations(permutations: int, views: int) -> None:
    if permutations not in (0, 1, views):
        raise ValueError(
            f"permutations are {permutations}, must be none, one for all, or {each_of(views, 'view')}"
        )


def check_components(parts: int, names: Sequence[str]) -> None:
    """What a picture is made of by Factorize."""
    if parts != len(names):
        raise ValueError(f"parts are {parts}, must be {len(names)}; one each for {', '.join(names)}")


def check_kept(keep: str, names: Sequence[str]) -> None:
    """Which component HybridInverse keeps."""
    if keep not in names:
        raise ValueError(f"keep is {keep!r}, must be one of {', '.join(names)}; or choose another `by`")


def check_regions(parts: int, masks: int) -> None:
    if parts < 1 or masks < 1 or masks not in (parts, parts - 1):
        raise ValueError(
            f"masks are {masks} for {count(parts, 'part')}, must be one for each, or for "
            "each but the last; that one then has the rest"
        )


def unbalanced(total: float, column: int, row: int, *, rest: bool, picture: int | None = None) -> ValueError:
    """That the masks of regions do not sum to 1 at a place, or to more where the last part takes the rest."""
    where = f"column {column}, row {row}" + ("" if picture is None else f" of picture {picture}")
    due = "at most 1 everywhere, since the last part takes the rest" if rest else "1 everywhere"
    return ValueError(f"the masks sum to {total:.4g} at {where}, must sum to {due}")


def check_interval(first: int, last: int) -> None:
    """When the inside of When is used."""
    if first < last:
        raise ValueError(
            f"first is {first} and last is {last}, must be first >= last: sampling goes down from high timesteps to 0"
        )


def check_stride(size: int, stride: int) -> None:
    if not 1 <= stride <= size:
        raise ValueError(f"stride is {stride}, must be from 1 to the size of a tile, {size}")


def check_texts(captions: int, headings: int, pictures: int | None, batches: int | None) -> None:
    """What is written on a sheet of pictures; None where it is not known how many there are."""
    if captions and pictures is not None and captions != pictures:
        remedy = "; one text for each batch goes into headings" if captions == batches else ""
        raise ValueError(f"captions are {captions}, must be none or {each_of(pictures, 'picture')}{remedy}")
    if headings and batches is not None and headings != batches:
        raise ValueError(f"headings are {headings}, must be none or {each_of(batches, 'batch')}")


def check_prompts(prompts: int, pictures: int) -> None:
    """Prompts and the pictures that they enlarge: each row of the longer meets one of the shorter, in turn."""
    if max(prompts, pictures) % min(prompts, pictures):
        raise ValueError(
            f"prompts are {prompts} for {count(pictures, 'picture')}, must be as many, or one a multiple of the other"
        )


def check_method(method: str, eta: float, repeats: int) -> None:
    """What a way of sampling can be told."""
    if not 0 <= eta <= 1 or (eta and method != "ddim"):
        raise ValueError(f"eta is {eta:g} with {method}, must be from 0 to 1, and 0 but for ddim")
    if repeats > 1 and method not in ("ddpm", "ddim"):
        raise ValueError(f"repeats is {repeats}, must be 1 with {method}; only ddpm and ddim can climb")


def check_schedules(start: Any, denoiser: Any) -> None:
    """Where a sampler begins, and what it asks: by the same schedule. None is any."""
    if start is not None and start != denoiser:
        raise ValueError(
            f"the start was noised by the schedule {named(start)}, the denoiser learned {named(denoiser)}; link the "
            "denoiser to `like` of AddNoise"
        )


def check_spaces(what: str, space: str | None, works: str) -> None:
    """Pictures, and the denoiser that is to go on with them: in one space. None is any: pure noise has none yet."""
    if space is not None and space != works:
        how = "decode" if works == "pixels" else "encode"
        raise ValueError(f"{what} is in the space {space}, the denoiser works in {works}; {how} it first")


def space_of_start(t: int | None, space: str | None, works: str) -> str | None:
    """Where a start belongs, if not anywhere (None), as pure noise does that names no latents.

    Pure noise has no scale, either: that of "latent:sd1" is also that of "latent:sd1, scaled by 0.13".
    """
    if t is not None or space is None:
        return space
    return None if space == "pixels" or space.partition(",")[0] == works.partition(",")[0] else space


def check_pixels(space: str, what: str) -> None:
    """ValueError for latents, which have no colours yet."""
    if space != "pixels":
        raise ValueError(f"{what} is in the space {space}, must be pixels; decode it first")


def check_clip(clip: str, space: str) -> None:
    """Whether clean pictures can be clipped: latents have no bounds."""
    if space != "pixels" and clip not in ("auto", "none"):
        raise ValueError(f"clip is {clip}, must be none in the space {space}, which has no bounds")


def agreed(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What denoisers that are asked about the same x_t must have in common; ValueError when they do not.

    Args:
        parts: of each its `schedule`, `shape`, `space` and `largest`, as far as they are known. A part takes any shape
            and any largest value where that is None.
    """
    common = {
        name: next((part[name] for part in parts if part.get(name) is not None), None)
        for name in ("schedule", "shape", "space", "largest")
    }
    schedule, shape, space, largest = common.values()
    for part in parts:
        if part.get("schedule") not in (None, schedule):
            raise ValueError(
                f"the denoisers have different schedules, {named(schedule)} and {named(part['schedule'])}; what is "
                "composed must have learned the same one"
            )
        if part.get("shape") not in (None, shape):
            raise ValueError(
                f"the denoisers take different pictures, {shape_text(shape)} and {shape_text(part['shape'])}; what is "
                "composed must take the same"
            )
        if part.get("space") not in (None, space):
            raise ValueError(
                f"the denoisers work in different spaces, {space} and {part['space']}; what is composed must share one"
            )
        if part.get("largest") not in (None, largest):
            raise ValueError(
                f"the denoisers are thresholded up to different values, {largest:g} and {part['largest']:g}; "
                "what is composed must share one"
            )
    return common


def named(schedule: Any) -> str:
    """A schedule by its name."""
    return schedule if isinstance(schedule, str) else str(schedule.name)
