"""What RePaint's paper writes down, as it stands there, for tests to compare with."""


def jumps(total: int, length: int, samples: int) -> list[int]:
    """The walk as a list of levels, down to -1, the clean picture. Source: Lugmayr et al. 2022, section 4.2."""
    left = dict.fromkeys(range(0, total - length, length), samples - 1)
    level, visited = total, []
    while level >= 1:
        level -= 1
        visited.append(level)
        if left.get(level, 0) > 0:
            left[level] -= 1
            visited += range(level + 1, level + length + 1)
            level += length
    return [*visited, -1]
