"""Luck of what is traded, whole arrays at once: 64 bits mixed by the finaliser of SplitMix64 (Steele et al. 2014)."""

import numpy as np

Array = np.ndarray


def bits(uniform: Array) -> Array:
    """The 52 bits that uniforms were made of."""
    return (uniform * 2.0**52).astype(np.uint64)


def mixed(one: Array, other: Array | int) -> Array:
    """64 bits out of two numbers; broadcasts."""
    z = (one + np.uint64(0x9E3779B97F4A7C15)) ^ np.asarray(other, np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(words: Array) -> Array:
    """Numbers between 0 and 1 out of 64 bits each."""
    return ((words >> np.uint64(12)) + 0.5) * 2.0**-52
