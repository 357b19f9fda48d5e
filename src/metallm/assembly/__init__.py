"""Builds a Router from names and settings; the only folder that names concrete parts."""

from metallm.assembly.choices import PAPER_ALPHA, POLICIES
from metallm.assembly.embedders import (
    EMBEDDERS,
    beside_static,
    default_embedder,
    sentence_embedder,
)
from metallm.assembly.router import Router

__all__ = [
    "EMBEDDERS",
    "PAPER_ALPHA",
    "POLICIES",
    "Router",
    "beside_static",
    "default_embedder",
    "sentence_embedder",
]
