"""Taps of Gaussian filters, with the same operations as SciPy and so with the same bits.

The last bit of `numpy.exp` differs between processors. So taps are computed once, by whoever makes
the job, are part of it, and are computed nowhere else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def gaussian_taps(sigma: Any, order: int, radius: int) -> npt.NDArray[np.float64]:
    """Return the taps that `scipy.ndimage.gaussian_filter1d` correlates with.

    Parameters
    ----------
    sigma : real number
        Standard deviation in samples, more than 0. Its own type counts: SciPy squares it as it is.
    order : int
        0 smooths; n is the nth derivative.
    radius : int
        Samples on each side of the centre.

    Returns
    -------
    ndarray, shape (2 * radius + 1,), float64

    Notes
    -----
    Source: ``_gaussian_kernel1d`` of SciPy 1.17, `scipy/ndimage/_filters.py`. The nth derivative is
    ``q(x) * phi(x)``, and ``q' + q * p'`` is applied to the coefficients of `q` as a matrix.

    Examples
    --------
    >>> gaussian_taps(1.0, 0, 1).round(4)
    array([0.2741, 0.4519, 0.2741])
    """
    sigma2 = sigma * sigma
    x = np.arange(-radius, radius + 1)
    phi = np.exp(-0.5 / sigma2 * x**2)
    phi = phi / phi.sum()
    if order:
        exponents = np.arange(order + 1)
        q = np.zeros(order + 1)
        q[0] = 1
        derive = np.diag(exponents[1:], 1) + np.diag(np.ones(order) / -sigma2, -1)
        for _ in range(order):
            q = derive.dot(q)
        phi = (x[:, None] ** exponents).dot(q) * phi
    return np.asarray(phi[::-1], dtype=np.float64)
