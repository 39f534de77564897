"""Vectors in kernels: sums in a fixed order, copies, fills, sorting.

By loops: numba compiles its messages about shapes, for a second or two, into each kernel that assigns to a slice, and
its sort for as long into each that sorts.
"""

from market_sim.compilation import kernel, part

__all__ = ["kcopy", "kfill", "ksort", "ksum"]

_GAPS = (1750, 701, 301, 132, 57, 23, 10, 4, 1)  # Ciura 2001


@kernel
def ksum(values):  # type: ignore[no-untyped-def]
    """The sum of a vector in a fixed order, eight running sums at a time: it depends on the length alone."""
    n = values.shape[0]
    a = b = c = d = e = f = g = h = 0.0
    blocked = n - n % 8
    for i in range(0, blocked, 8):
        a += values[i]
        b += values[i + 1]
        c += values[i + 2]
        d += values[i + 3]
        e += values[i + 4]
        f += values[i + 5]
        g += values[i + 6]
        h += values[i + 7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for i in range(blocked, n):
        total += values[i]
    return total


@part
def kfill(row, value):  # type: ignore[no-untyped-def]
    """Set a vector to one value."""
    for i in range(row.shape[0]):
        row[i] = value


@part
def kcopy(into, row):  # type: ignore[no-untyped-def]
    """Copy a vector into another of its length."""
    for i in range(row.shape[0]):
        into[i] = row[i]


@part
def ksort(order, key):  # type: ignore[no-untyped-def]
    """Fill `order` with the places of `key` from least to largest (Shell 1959). Equal keys come in a fixed order."""
    n = key.shape[0]
    for j in range(n):
        order[j] = j
    for gap in _GAPS:
        for j in range(gap, n):
            place, k = order[j], j
            while k >= gap and key[order[k - gap]] > key[place]:
                order[k] = order[k - gap]
                k -= gap
            order[k] = place
