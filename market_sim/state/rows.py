"""Records of the book and the pipeline, copied as words of 8 bytes: a compiled record is copied byte by byte."""

import numpy as np

from market_sim.numerics import kernel


def most(count: np.ndarray) -> int:
    """Rows that the fullest replicate needs; at least one."""
    return max(1, int(count.max(initial=0)))


def as_words(rows: np.ndarray) -> np.ndarray:
    """The records (replicate, row) as (replicate, row, word), on the same memory."""
    return rows.view(np.int64).reshape(*rows.shape, rows.dtype.itemsize // 8)


def copied(rows: np.ndarray) -> np.ndarray:
    """The records (replicate, row) on memory of their own."""
    return as_words(rows).copy().view(rows.dtype)[..., 0]


@kernel
def copy_row(words, source, out, target):  # type: ignore[no-untyped-def]
    """Row `target` of `out` (row, word) becomes row `source` of `words`."""
    for w in range(words.shape[1]):
        out[target, w] = words[source, w]
