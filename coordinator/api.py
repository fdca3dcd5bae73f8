"""The Python API: SciPy's functions on this machine's cores, and on a fleet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from coordinator.engines import Engine
from coordinator.engines.local import LocalEngine
from coordinator.events import Event, Listener
from coordinator.output import Output
from coordinator.run import Request, run, tile_shape
from coordinator.stores.memory import ArraySink, ArraySource
from tiling.dtypes import Array, output_dtype
from tiling.errors import UnsupportedError
from tiling.filters import FILTERS
from tiling.job import Job

if TYPE_CHECKING:
    from coordinator.config import Config


def gaussian_filter(
    input: Any,  # noqa: A002 -- SciPy's name
    sigma: Any,
    order: Any = 0,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    truncate: Any = 4.0,
    *,
    radius: Any = None,
    axes: Any = None,
    tile: Any = None,
) -> Array:
    """Filter an array with this machine's cores, bit for bit as `scipy.ndimage.gaussian_filter`.

    Parameters
    ----------
    input : array_like
        Of any shape and any dtype that SciPy filters.
    sigma, order, output, mode, cval, truncate, radius, axes
        As in SciPy 1.17.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen to keep the cores busy unless given.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    ValueError, TypeError, RuntimeError
        What SciPy raises for the same mistake; also for a sigma that is negative or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> gaussian_filter(np.arange(50, step=2).reshape((5, 5)), sigma=1)[0]
    array([4, 6, 8, 9, 11])
    """
    parameters = (sigma, order, output, mode, cval, truncate)
    return _filter(LocalEngine(), _silent, "gaussian_filter", input, parameters, radius, axes, tile)


class Fleet:
    """Workers that filter together.

    Parameters
    ----------
    hosts : sequence of str, or Config
        Addresses such as ``"127.0.0.1:8081"``; see `from_toml` for more.
    listen : callable, optional
        Hears every event of every run with its time; see `coordinator.events`.
    token_file : str or Path, optional
        Where the fleet's token is, if not where ``TILEFAN_TOKEN_FILE`` says or in the user's
        configuration folder.

    Raises
    ------
    ConfigError
        With every mistake in the hosts.
    TrustError
        If there is a token file and it can't be used.

    Examples
    --------
    >>> with Fleet(["127.0.0.1:8081", "127.0.0.1:8082"]) as fleet:  # doctest: +SKIP
    ...     y = fleet.gaussian_filter(x, 2.0, mode="wrap", tile=(64, 64, 3))
    """

    def __init__(
        self,
        hosts: Sequence[str] | Config,
        *,
        listen: Listener | None = None,
        token_file: str | Path | None = None,
    ) -> None:
        from coordinator.config import Config, parse_hosts
        from coordinator.credential import find_credential
        from coordinator.engines.http import HttpEngine

        config = hosts if isinstance(hosts, Config) else parse_hosts(hosts)
        self._names = tuple(host.name for host in config.hosts)
        self._engine = HttpEngine(config, find_credential(token_file))
        self._listen = listen or _silent

    @classmethod
    def from_toml(
        cls,
        path: str | Path,
        *,
        listen: Listener | None = None,
        token_file: str | Path | None = None,
    ) -> Self:
        """Make a fleet of the workers that a hosts.toml lists.

        Raises
        ------
        ConfigError
            With every mistake in the file.
        """
        from coordinator.config import load_hosts

        return cls(load_hosts(Path(path)), listen=listen, token_file=token_file)

    def gaussian_filter(
        self,
        input: Any,  # noqa: A002 -- SciPy's name
        sigma: Any,
        order: Any = 0,
        output: Any = None,
        mode: Any = "reflect",
        cval: Any = 0.0,
        truncate: Any = 4.0,
        *,
        radius: Any = None,
        axes: Any = None,
        tile: Any = None,
    ) -> Array:
        """Filter an array on the fleet; parameters and result as `coordinator.gaussian_filter`.

        Raises
        ------
        TilefanError
            If the workers could not do it: nobody usable, a tile that failed everywhere.
        """
        parameters = (sigma, order, output, mode, cval, truncate)
        return _filter(
            self._engine, self._listen, "gaussian_filter", input, parameters, radius, axes, tile
        )

    def close(self) -> None:
        """Close the connections; the workers go on serving others."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Fleet of {len(self._names)}: {', '.join(self._names)}>"


def _filter(
    engine: Engine,
    listen: Listener,
    name: str,
    input: Any,  # noqa: A002 -- SciPy's name
    parameters: tuple[Any, ...],
    radius: Any,
    axes: Any,
    tile: Any,
) -> Array:
    """Normalise SciPy's parameters, run, and return the output."""
    array = np.asarray(input)
    call = FILTERS[name].call(array.ndim, array.dtype, *parameters, radius=radius, axes=axes)
    out = _output(parameters[2], array)
    # A tile's output must not be another tile's halo.
    filled = np.empty_like(out) if np.may_share_memory(array, out) else out
    request = Request(Job(array.ndim, (call,)), ArraySource(array), tile_shape(tile, array.ndim))
    run(request, lambda _: Output(ArraySink(filled)), engine, listen)
    if filled is not out:
        out[...] = filled
    return out


def _output(output: Any, array: Array) -> Array:
    """Return the array that SciPy's `output` asks for."""
    dtype = output_dtype(output, array.dtype)
    if output is None or isinstance(output, str | type | np.dtype):
        return np.empty(array.shape, dtype)
    out = np.asarray(output)
    if out.shape != array.shape:
        raise UnsupportedError(f"output shape not correct: {out.shape}, not {array.shape}")
    return out


def _silent(at: float, event: Event) -> None:
    """Hear nothing."""
