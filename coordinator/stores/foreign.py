"""Formats that are not read: how each is recognised, and the line that converts it to `.npy`."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Foreign:
    """A format that other programs write.

    Parameters
    ----------
    name : str
        As it stands in a sentence.
    suffixes : tuple of str
        Of its files, in lower case.
    marks : tuple of (int, bytes)
        Any of them at its place in the file tells the format.
    read : str
        A Python expression of the array; ``{}`` is the file's name, as Python writes it.
    modules : tuple of str
        That it needs besides NumPy.
    hint : str
        What the line may need besides.
    """

    name: str
    suffixes: tuple[str, ...]
    marks: tuple[tuple[int, bytes], ...]
    read: str
    modules: tuple[str, ...] = ()
    hint: str = ""


GZIP: Final = b"\x1f\x8b"
"""How a file begins that gzip compressed."""

ZIP: Final = b"PK\x03\x04"
"""How a zip archive begins."""

ZIPPED: Final = (".zip", ".ozx")
"""How one is named that may hold zarr."""

_TITLES: Final = "for a line of titles add skiprows=1"

_PICTURE: Final = "imageio.v3.imread({})", ("imageio",)

FORMATS: Final = (
    Foreign("a GIF picture", (".gif",), ((0, b"GIF8"),), *_PICTURE),
    Foreign("a BMP picture", (".bmp",), (), *_PICTURE),
    Foreign("a WebP picture", (".webp",), ((8, b"WEBP"),), *_PICTURE),
    Foreign(
        "a .npz archive of arrays",
        (".npz",),
        ((0, ZIP),),
        "[*numpy.load({}).values()][0]",
        hint="it takes the first array",
    ),
    Foreign("a table in text", (".csv",), (), "numpy.loadtxt({}, delimiter=',')", hint=_TITLES),
    Foreign("a table in text", (".tsv",), (), "numpy.loadtxt({}, delimiter='\\t')", hint=_TITLES),
    Foreign("a table in text", (".txt",), (), "numpy.loadtxt({})", hint=_TITLES),
    Foreign(
        "a NetCDF file",
        (".nc",),
        ((0, b"CDF"),),
        "[*xarray.open_dataset({}).values()][0].values",
        ("xarray", "netCDF4"),
        "it takes the first variable",
    ),
    Foreign(
        "the samples of a header beside it",
        (".img",),
        (),
        "nibabel.load({}).dataobj",
        ("nibabel",),
    ),
    Foreign("an MRC map", (".mrc",), ((208, b"MAP "),), "mrcfile.read({})", ("mrcfile",)),
    Foreign(
        "a DICOM image",
        (".dcm",),
        ((128, b"DICM"),),
        "pydicom.dcmread({}).pixel_array",
        ("pydicom",),
    ),
    Foreign(
        "a MATLAB file",
        (".mat",),
        ((0, b"MATLAB"),),
        "scipy.io.loadmat({})['name']",
        ("scipy",),
        "with the variable's name",
    ),
    Foreign(
        "samples without a header",
        (".raw", ".bin", ".dat"),
        (),
        "numpy.fromfile({}, 'uint16').reshape(768, 1024)",
        hint="with its own dtype and shape",
    ),
)
"""Every format that a message knows, each with how its files begin."""

PALETTE: Final = Foreign(
    "a picture of numbers of colours", (), (), "PIL.Image.open({}).convert('RGB')", ("pillow",)
)
"""A TIFF file whose samples no filter should mix."""

_PLAIN: Final = re.compile(r"[\w./ +,=@:-]+")


def format_of(path: Path, start: bytes = b"") -> Foreign | None:
    """Return the format of a file, by its first bytes or else by its name; None if unknown."""
    for known in FORMATS:
        if any(start[at : at + len(mark)] == mark for at, mark in known.marks):
            return known
    name = path.name.lower()
    return next((known for known in FORMATS if name.endswith(known.suffixes)), None)


def foreign(path: Path, start: bytes = b"") -> str | None:
    """Return what a file is instead of a `.npy` file, and how to convert it; None if unknown."""
    if start.startswith(GZIP):
        return gzipped(path)
    if start.startswith(ZIP) and path.name.lower().endswith(ZIPPED):
        return zipped(path)
    known = format_of(path, start)
    return None if known is None else f"{known.name}, not a .npy file; {conversion(known, path)}"


def conversion(known: Foreign, path: Path) -> str:
    """Return how to convert a file to `.npy`: what that needs, and the line."""
    needs = f"pip install {' '.join(known.modules)}" if known.modules else ""
    remarks = "; ".join(filter(None, (needs, known.hint)))
    return f"convert it{f' ({remarks})' if remarks else ''}:\n  {convert_line(known, path)}"


def gzipped(path: Path) -> str:
    """Return what is to be done with a file that gzip compressed, whatever it is called.

    Examples
    --------
    >>> gzipped(Path("in.fits"))
    'compressed by gzip: gunzip --stdout in.fits > in.plain.fits makes a file to read'
    """
    name = shlex.quote(str(path))
    if path.suffix.lower() == ".gz":
        return f"compressed by gzip: gunzip --keep {name} makes a file to read"
    if path.suffix.lower() == ".nii":
        return f"compressed by gzip: mv {name} {shlex.quote(f'{path}.gz')} names it as what it is"
    plain = shlex.quote(str(path.with_name(f"{path.stem}.plain{path.suffix}")))
    return f"compressed by gzip: gunzip --stdout {name} > {plain} makes a file to read"


def zipped(path: Path) -> str:
    """Return what is to be done with a zip archive, such as one of a folder of zarr.

    Examples
    --------
    >>> zipped(Path("in.zarr.zip"))
    'a zip archive: unzip in.zarr.zip -d in.zarr makes a folder to read'
    """
    folder = path.with_suffix("")
    folder = folder if folder.suffix == ".zarr" else folder.with_suffix(".unzipped.zarr")
    into = f"unzip {shlex.quote(str(path))} -d {shlex.quote(str(folder))}"
    return f"a zip archive: {into} makes a folder to read"


def convert_line(known: Foreign, path: Path) -> str:
    """Return the command that writes a `.npy` file of the same array beside a file.

    Examples
    --------
    >>> print(convert_line(FORMATS[0], Path("in.gif")))
    python -c "import numpy, imageio.v3; numpy.save('in.npy', imageio.v3.imread('in.gif'))"
    """
    read = known.read.format(repr(str(path)))
    module = known.read.partition("(")[0].lstrip("[*").rpartition(".")[0]
    imports = ", ".join(dict.fromkeys(("numpy", module)))
    code = f"import {imports}; numpy.save({str(npy_name(path))!r}, {read})"
    return (
        f'python -c "{code}"' if _PLAIN.fullmatch(str(path)) else shlex.join(["python", "-c", code])
    )


def npy_name(path: Path) -> Path:
    """Return the name of a `.npy` file beside a file: another than its own.

    Examples
    --------
    >>> str(npy_name(Path("a/scan.nii.gz"))), str(npy_name(Path("scan.npy")))
    ('a/scan.npy', 'scan.converted.npy')
    """
    stem = path.name.removesuffix(".gz").rpartition(".")[0] or path.name
    name = f"{stem}.npy"
    return path.with_name(f"{stem}.converted.npy" if name == path.name else name)
