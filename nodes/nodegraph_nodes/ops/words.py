"""Words of messages: how many there are of something, and what can be chosen from."""

from collections.abc import Collection

__all__ = ["count", "listed"]


def count(number: int, thing: str) -> str:
    """`1 weight`, `2 weights`, `2 batches`."""
    plural = f"{thing}es" if thing.endswith(("tch", "nch")) else f"{thing}s"
    return f"{number:,} {thing if number == 1 else plural}"


def listed(choices: Collection[str]) -> str:
    """Choices in a sentence, in quotes where a comma or a space in one of them could be misread."""
    quoted = any("," in choice or " " in choice for choice in choices)
    return ", ".join(map(repr, choices) if quoted else choices)
