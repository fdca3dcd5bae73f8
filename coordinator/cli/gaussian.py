"""The options of `coord blur`: the parameters of SciPy's Gaussian filter."""

from __future__ import annotations

from coordinator.cli.complete import complete_modes
from coordinator.cli.options import FILTER, option

GAUSSIAN = (
    option(
        FILTER,
        "--sigma",
        default="0.5",
        metavar="NUMBERS",
        help="Standard deviation in samples, or one per axis.",
    ),
    option(
        FILTER,
        "--order",
        default="0",
        metavar="NUMBERS",
        help="Derivative, or one per axis; 0 smooths.",
    ),
    option(
        FILTER,
        "--mode",
        default="reflect",
        metavar="MODES",
        autocompletion=complete_modes,
        help="Edge mode, or one per axis: reflect mirror nearest constant wrap.",
    ),
    option(FILTER, "--cval", default="0", metavar="NUMBER", help="Fill value of mode constant."),
    option(
        FILTER,
        "--truncate",
        default=4.0,
        kind=float,
        metavar="NUMBER",
        help="Radius of the filter, in sigmas.",
    ),
    option(
        FILTER,
        "--radius",
        metavar="NUMBERS",
        help="Radius in samples, or one per axis; overrides --truncate.",
    ),
    option(FILTER, "--axes", metavar="AXES", help="Axes to filter; all unless given."),
    option(
        FILTER,
        "--dtype",
        metavar="DTYPE",
        help="Of the output, such as float32; the input's unless given.",
    ),
)
"""The parameters of `scipy.ndimage.gaussian_filter`; see `coordinator.cli.parse.gaussian`."""
