"""Luck of what is traded: whole numbers of 64 bits, mixed by the finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""

WORD = 2**64 - 1


def bits(uniform: float) -> int:
    """The 52 bits that a uniform was made of."""
    return int(uniform * 2**52)


def mixed(one: int, other: int) -> int:
    """64 bits out of two numbers."""
    z = ((one + 0x9E3779B97F4A7C15) & WORD) ^ other
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & WORD
    z = (z ^ z >> 27) * 0x94D049BB133111EB & WORD
    return z ^ z >> 31


def uniform(word: int) -> float:
    """A number between 0 and 1 out of 64 bits."""
    return ((word >> 12) + 0.5) / 2**52
