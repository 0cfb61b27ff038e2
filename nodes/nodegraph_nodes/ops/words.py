"""Words of messages: how many there are of something, and what can be chosen from."""

from collections.abc import Collection

__all__ = ["count", "listed", "there_are"]


def count(number: int, thing: str) -> str:
    """`1 weight`, `2 weights`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def there_are(number: int, thing: str) -> str:
    """`there is 1 weight`, `there are 2 weights`."""
    return f"there {'is' if number == 1 else 'are'} {count(number, thing)}"


def listed(choices: Collection[str]) -> str:
    """Choices in a sentence, in quotes where a comma or a space in one of them could be misread."""
    quoted = any("," in choice or " " in choice for choice in choices)
    return ", ".join(map(repr, choices) if quoted else choices)
