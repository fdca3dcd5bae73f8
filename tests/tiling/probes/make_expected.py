"""Write `tiling/probes/expected.py`: what SciPy itself makes of every probe.

Run it with ``make attested`` where SciPy 1.17 runs on an x86-64 machine.
"""

from __future__ import annotations

from pathlib import Path

from tiling.kernels import reference
from tiling.probes.correlations import MODES, REAL
from tiling.probes.digests import SUBNORMALS, digest_of
from tiling.probes.windows import names

TARGET = Path(__file__).parents[3] / "tiling" / "probes" / "expected.py"
COMPLEX = ("complex64", "complex128")
PAIRS = (
    *((source, target) for source in REAL for target in REAL),
    *((source, target) for source in COMPLEX for target in COMPLEX),
)

HEAD = f'''"""Digests that SciPy 1.17 on x86-64 gives of every probe: written by ``make attested``.

Of correlations, a line for each pair of dtypes, input and output, with a digest for each edge mode;
of other operations, a line for each kind and dtype. `tiling.probes.digests` says what it means, and
a test computes it all again.
"""

MODES = ({", ".join(f'"{mode}"' for mode in MODES)})

TABLE = """
'''


def line(source: str, target: str) -> str:
    """Return the line of one pair of dtypes."""
    digests = (digest_of(f"{source}-{target}-{mode}", reference.run) for mode in MODES)
    return f"{source:10} {target:10} {' '.join(digests)}\n"


def text() -> str:
    """Return the whole file."""
    windows = "".join(
        f"{name:32} {digest_of(name, reference.run)}\n" for name in (SUBNORMALS, *names())
    )
    return f'{HEAD}{"".join(line(*pair) for pair in PAIRS)}"""\n\nWINDOWS = """\n{windows}"""\n'


if __name__ == "__main__":
    TARGET.write_text(text(), "ascii")
