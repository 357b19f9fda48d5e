"""Names for the array types that the signatures use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
"""float64, any shape; the shape stands in the docstring."""

Context = NDArray[np.float32]
"""float32, shape (d,) for one query or (n, d) for many."""
