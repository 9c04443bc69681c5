"""A hash tree over the rows of a seal, so that one row can be shown to be in it without the rest.

Pure. The tree of RFC 6962, section 2.1: leaves and nodes are hashed with different first bytes,
and a node without a neighbour moves up as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

Step = tuple[str, str]
"""("left" | "right", hex): on which side the neighbour stands, and its hash."""


def root_of(digests: Sequence[bytes]) -> str:
    """The one hash that stands for all of `digests`, in their order."""
    level = [_leaf(digest) for digest in digests]
    while len(level) > 1:
        level = _up(level)
    return level[0].hex() if level else hashlib.sha256(b"").hexdigest()


def path_of(digests: Sequence[bytes], at: int) -> list[Step]:
    """From the digest at this place up to the root."""
    level = [_leaf(digest) for digest in digests]
    path: list[Step] = []
    while len(level) > 1:
        beside = at ^ 1
        if beside < len(level):
            path.append(("left" if beside < at else "right", level[beside].hex()))
        level, at = _up(level), at // 2
    return path


def follow(digest: bytes, path: Sequence[Step]) -> str:
    """The root to which this path leads from `digest`."""
    reached = _leaf(digest)
    for side, neighbour in path:
        other = bytes.fromhex(neighbour)
        reached = _node(other, reached) if side == "left" else _node(reached, other)
    return reached.hex()


def _up(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return [*pairs, level[-1]] if len(level) % 2 else pairs


def _leaf(digest: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + digest).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
