"""Digits as users write them: `3`, `6,9`, `0-9`; no torch."""


def read_digits(text: str, classes: int = 10) -> list[int]:
    """The labels that a text names: "3", "6,9", "0-9"; "" is the label `classes`, which means any digit."""
    if not text.strip():
        return [classes]
    labels: list[int] = []
    for part in text.split(","):
        ends = [end.strip() for end in part.split("-")]
        if len(ends) > 2 or not all(end.isascii() and end.isdigit() and int(end) < classes for end in ends):
            raise ValueError(
                f"digit is {text!r}, must be digits from 0 to {classes - 1} such as 3, or 6,9, or 0-9; empty for any"
            )
        first, last = int(ends[0]), int(ends[-1])
        labels += range(first, last + 1) if first <= last else range(first, last - 1, -1)
    return labels
