"""Several files filtered one after another into a folder, each as if it were the only one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from coordinator.errors import ExitCode, InputError, StoreError, TilefanError
from coordinator.run.calls import Link
from coordinator.stores.formats import default_output
from coordinator.stores.place import Place
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.run_options import RunOptions
from tiling.errors import TilingError


def filter_files(
    links: Sequence[Link],
    sources: Sequence[Path],
    folder: Path,
    options: RunOptions,
    say_failure: Callable[[str], None],
) -> list[tuple[Path, ExitCode]]:
    """Filter each of some files into one of a folder; return those that failed, with exit codes.

    Parameters
    ----------
    links : sequence of (str, mapping)
        See `filter_chain`.
    sources : sequence of Path
        As a user writes them; see `Place.parse`.
    folder : Path
        Made if it is not there.
    options : RunOptions
        With `resume`, outputs that are there already are left as they are.
    say_failure : callable
        Takes what was wrong with a file.

    Raises
    ------
    InputError
        If two outputs would have one name, or the folder is not one of this machine.
    StoreError
        If there can't be such a folder.
    """
    if (place := Place(folder)).remote:
        raise InputError(f"--out-dir {place}: a folder of this machine is wanted; or name -o")
    targets = [_target(folder, source) for source in sources]
    paths = [target.path for target in targets]
    if same := {str(each) for each in paths if paths.count(each) > 1}:
        raise InputError(f"{', '.join(sorted(same))}: two inputs would be written there")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: can't be made: {error.strerror}") from error
    failed: list[tuple[Path, ExitCode]] = []
    for source, target in zip(sources, targets, strict=True):
        if options.resume and target.path.exists():
            options.say(f"{target.path}: is there already")
            continue
        try:
            filter_chain(links, source, target, options)
        except (TilefanError, TilingError) as error:
            say_failure("\n".join((f"{source} failed: {error}", *getattr(error, "__notes__", ()))))
            code = error.exit_code if isinstance(error, TilefanError) else ExitCode.USAGE
            failed.append((source, code))
    return failed


def _target(folder: Path, source: Path) -> Place:
    """Return the output of an input: of its name, and of its format if that can be written."""
    named = default_output(Place.parse(source))
    return Place(folder / named.path.name, named.inside)
