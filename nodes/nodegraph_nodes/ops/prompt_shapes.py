"""Shapes of encoded prompts, as rules: what a file may hold, what can be joined, what a network reads; no torch.

As in `agreements`, a rule is a ValueError that begins with the input to blame, where there is one.
"""

from collections.abc import Mapping, Sequence

from nodegraph_nodes.ops.words import count

TOKENS = 77
"""How many DeepFloyd IF was trained with; T5 itself could take more."""


def check_width(width: int, read: int) -> None:
    """ValueError when a network cannot read a prompt."""
    if width != read:
        raise ValueError(
            f"conditioning has {width} numbers a token, this network reads {read}; "
            "encode the prompt with the text encoder of the same checkpoint"
        )


def check_alike(shapes: Sequence[Sequence[int] | None]) -> None:
    """ValueError when prompts cannot be rows of one; of each its tokens and numbers a token, None where unknown."""
    known = [(number, tuple(shape)) for number, shape in enumerate(shapes) if shape is not None]
    for number, shape in known[1:]:
        first, wanted = known[0]
        if shape != wanted:
            raise ValueError(
                f"parts[{number}] has {count(shape[0], 'token')} of {count(shape[1], 'number')}, "
                f"must have {wanted[0]} of {wanted[1]} as parts[{first}] has; encode all prompts with one checkpoint"
            )


def check_stored(shapes: Mapping[str, Sequence[int]], ours: bool) -> tuple[int, int, int]:
    """Prompts, tokens and numbers a token of what a file holds; ValueError when it holds no encoded prompt.

    Args:
        shapes: of its tensors, by name.
        ours: whether its metadata tell the prompts, so that SaveEmbedding wrote it.
    """
    if len(shapes) != 1:
        some = ", ".join(sorted(shapes)[:3])
        found = count(len(shapes), "tensor") + (f" ({some}, ...)" if some else "")
        raise ValueError(f"holds {found}, must hold one embedding")
    ((name, values),) = shapes.items()
    shape = tuple(values)
    if len(shape) not in ((3,) if ours else (2, 3)) or 0 in shape or (shape[-2] != TOKENS and not ours):
        raise ValueError(f"holds {name} of the shape {shape}, must be (77, D) or (B, 77, D)")
    return (shape[0] if len(shape) == 3 else 1, *shape[-2:])
