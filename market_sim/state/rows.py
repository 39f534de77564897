"""Records of the book and the pipeline, copied as words of 8 bytes: a compiled record is copied byte by byte."""

import numpy as np

from market_sim.numerics import part

SPARE = 64  # rows kept free behind those in use, so that new ones seldom move the rest


def most(count: np.ndarray) -> int:
    """Rows that the fullest replicate needs; at least one."""
    return max(1, int(count.max(initial=0)))


def room(count: np.ndarray) -> int:
    """Rows to make memory for: an eighth more at most, in steps, so that what a tick frees is of use to the next."""
    wanted = most(count)
    step = max(1, (1 << wanted.bit_length()) // 8)
    return -(-wanted // step) * step


def as_words(rows: np.ndarray) -> np.ndarray:
    """The records (replicate, row) as (replicate, row, word), on the same memory."""
    return rows.view(np.int64).reshape(*rows.shape, rows.dtype.itemsize // 8)


def copied(rows: np.ndarray) -> np.ndarray:
    """The records (replicate, row) on memory of their own."""
    return as_words(rows).copy().view(rows.dtype)[..., 0]


def widened(rows: np.ndarray, wanted: int) -> np.ndarray:
    """The records, on wider memory with some to spare if they do not have room for `wanted` in a replicate."""
    if rows.shape[1] >= wanted:
        return rows
    out = np.empty((len(rows), wanted + SPARE), rows.dtype)
    as_words(out)[:, : rows.shape[1]] = as_words(rows)
    return out


@part
def copy_row(words, source, out, target):  # type: ignore[no-untyped-def]
    """Row `target` of `out` (row, word) becomes row `source` of `words`."""
    for w in range(words.shape[1]):
        out[target, w] = words[source, w]
