"""Options of knobs: sizes that split an extent evenly, or nearly so."""

from __future__ import annotations


def even_sizes(extent: int, most: int, least: int = 1) -> list[int]:
    """Sizes of tiles in which each is as full as another one, up to one element: of all sizes that need as many tiles,
    the smallest. Between `least` and `most`, if the extent is not less."""
    sizes = {-(-extent // -(-extent // size)) for size in range(1, min(extent, most) + 1)}
    kept = sorted(size for size in sizes if size >= least)
    return kept or [min(extent, most)]


def doublings(most: int, least: int = 1) -> list[int]:
    """Powers of two times `least`, up to the first that is not less than `most`."""
    sizes = [least]
    while sizes[-1] < most:
        sizes.append(sizes[-1] * 2)
    return sizes


def divisors(extent: int) -> list[int]:
    """The numbers that divide an extent."""
    return [size for size in range(1, extent + 1) if extent % size == 0]


def fitting(extent: int, count: int, most: int | None = None) -> list[int]:
    """Some sizes that divide an extent, if there are more than two of them; else sizes that do so nearly."""
    limit = extent if most is None else min(most, extent)
    found = [size for size in divisors(extent) if size <= limit]
    return thinned(found if len(found) > 2 else even_sizes(extent, limit), count)


def covering(extent: int, most: int) -> list[int]:
    """Sizes up to `most` that cover an extent with little too much: a quarter, unless that leaves a single one."""
    found = [size for size in range(1, min(extent, most) + 1) if -(-extent // size) * size * 4 <= extent * 5]
    return found if len(found) > 1 else list(range(1, min(extent, most) + 1))


def thinned(sizes: list[int], count: int) -> list[int]:
    """At most `count` of the sizes, the first and the last among them, evenly spread."""
    if len(sizes) <= count:
        return sizes
    return sorted({sizes[round(i * (len(sizes) - 1) / (count - 1))] for i in range(count)})
