"""Several embedders side by side: one context from the parts of each."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metallm.core.arrays import Context
    from metallm.core.protocols import Embedder


@runtime_checkable
class Writer(Protocol):
    """An embedder that can write its contexts to where they belong."""

    def write(self, texts: Sequence[str], out: Context) -> None:
        """As `embed`, into zeros of shape (n, d)."""
        ...


class JoinedEmbedder:
    """The contexts of several embedders, joined in order.

    Args:
        parts: at least one embedder.
        scales: what each part's contexts are multiplied by; None leaves all as they are.

    Raises:
        ConfigurationError: not one scale, above 0, for each part.
    """

    def __init__(self, parts: Sequence[Embedder], scales: Sequence[float] | None = None) -> None:
        factors = tuple(scales) if scales is not None else (1.0,) * len(parts)
        if len(factors) != len(parts) or not all(0.0 < each < np.inf for each in factors):
            raise ConfigurationError(
                f"{len(parts)} joined embedders need as many scales above 0, not {scales}"
            )
        self.id = "+".join(map(_named, parts, factors))
        self.dim = sum(part.dim for part in parts)
        places = _places([part.dim for part in parts])
        self._writers = tuple(zip(map(_writer, parts), places, factors, strict=True))

    def embed(self, texts: Sequence[str]) -> Context:
        """Contexts of n texts, shape (n, d), float32."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        self.write(texts, out)
        return out

    def write(self, texts: Sequence[str], out: Context) -> None:
        """As `embed`, into zeros of shape (n, d)."""
        for write, place, scale in self._writers:
            own = out[:, place]
            write(texts, own)
            if scale != 1.0:
                own *= np.float32(scale)


def _places(dims: Sequence[int]) -> list[slice]:
    """Where each part stands in a context."""
    ends = list(accumulate(dims, initial=0))
    return [slice(start, end) for start, end in pairwise(ends)]


def _writer(part: Embedder) -> Callable[[Sequence[str], Context], None]:
    """What writes a part's contexts to where they belong, without a copy where it can."""
    if isinstance(part, Writer):
        return part.write

    def copy(texts: Sequence[str], out: Context) -> None:
        out[:] = part.embed(texts)

    return copy


def _named(part: Embedder, scale: float) -> str:
    return part.id if scale == 1.0 else f"{scale:g}*{part.id}"
