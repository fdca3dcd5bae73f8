"""The tests of SciPy's own suite that fail with our functions, each group with its reason."""

from __future__ import annotations

OUTSIDE = (
    "the window is deeper than the line: there SciPy's 1-d rank filter reads memory outside the "
    "array, and its answer is a matter of what lies there; such calls are refused"
)

DEVIATIONS = {
    "test_gh_22586_crash_property": OUTSIDE,
    "test_gh_23075[samples0-reflect-5-expected0]": OUTSIDE,
    "test_gh_23075[samples1-reflect-5-expected1]": OUTSIDE,
    "test_gh_23075[samples2-nearest-5-expected2]": OUTSIDE,
    "test_gh_23075[samples3-wrap-5-expected3]": OUTSIDE,
    "test_gh_23075[samples4-mirror-5-expected4]": OUTSIDE,
    "test_gh_23075[samples5-constant-5-expected5]": OUTSIDE,
    "test_gh_23075[samples11-reflect-100-expected11]": OUTSIDE,
    "test_gh_23075[samples12-nearest-100-expected12]": OUTSIDE,
    "test_gh_23075[samples13-wrap-100-expected13]": OUTSIDE,
    "test_gh_23075[samples14-mirror-100-expected14]": OUTSIDE,
    "test_gh_23075[samples15-constant-100-expected15]": OUTSIDE,
    "test_gh_23075_constant[samples0-5-17.7-expected0]": OUTSIDE,
    "test_gh_23075_constant[samples2-100-1.4-expected2]": OUTSIDE,
    "test_gh_23075_constant[samples3-137--7807.7-expected3]": OUTSIDE,
}
"""By the test's name, without its module; what is not in it must pass."""

RANDOM = frozenset({"test_gh_22586_crash_property"})
"""Deviations that draw their arrays, and fail only if they draw such a one."""
