"""The command `worker`: serve tiles until told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import warnings
from typing import Annotated

import typer
from platformdirs import user_cache_path

from tiling.errors import UnsupportedError
from tiling.kernels.select import Selected, Wish, select
from worker.app import serving
from worker.compute import SLOPPY
from worker.errors import ListenError
from worker.service import Service
from worker.settings import Settings, usable_cores

USAGE = 2
"""Exit code of what can't be served as asked."""

UNUSABLE_ADDRESS = 7
"""Exit code of an address that can't be listened on."""

EVERYWHERE = "0.0.0.0"  # noqa: S104 - the fleet is on other machines; --host narrows it

app = typer.Typer(add_completion=False)


@app.command()
def worker(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = EVERYWHERE,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8080,
    threads: Annotated[
        int, typer.Option(min=1, help="Tiles computed at the same time.", show_default="cores")
    ] = usable_cores(),
    kernel: Annotated[
        Wish, typer.Option(help="What computes: auto takes the compiled one if it proves itself.")
    ] = "auto",
) -> None:
    """Filter tiles for coordinators, until SIGTERM or Ctrl-C.

    What is in flight is finished first; a second signal exits at once.
    """
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    for category in SLOPPY:
        warnings.simplefilter("error", category)
    try:
        selected = select(kernel, str(user_cache_path("tilefan") / "compiled"))
        if selected.note:
            typer.echo(f"worker: {selected.note}", err=True)
        code = asyncio.run(serve(Settings(threads=threads), host, port, selected))
    except UnsupportedError as error:
        typer.echo(f"worker: {error}", err=True)
        code = USAGE
    except ListenError as error:
        typer.echo(f"worker: {error}", err=True)
        code = UNUSABLE_ADDRESS
    raise typer.Exit(code)


async def serve(settings: Settings, host: str, port: int, selected: Selected) -> int:
    """Serve until a signal, finish what is in flight, and return the exit code."""
    service = Service.start(settings, selected)
    async with serving(service, host, port) as address:
        await service.warm()
        told = listen_to_signals()
        announce(host, *address)
        number = await told
        try:
            async with asyncio.timeout(settings.drain_s):
                await service.pool.drain()
        except TimeoutError:
            typer.echo(f"worker: tiles were cut off after {settings.drain_s:g} s", err=True)
            os._exit(128 + number)  # threads can't be stopped, and would be waited for
    return 0


def listen_to_signals() -> asyncio.Future[int]:
    """Return what will be the number of the first SIGTERM or Ctrl-C; the next exits at once."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[int] = loop.create_future()

    def receive(number: int) -> None:
        if told.done():
            os._exit(128 + number)
        told.set_result(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, receive, number)
    return told


def announce(host: str, bound: str, port: int) -> None:
    """Say that this worker can serve, and how a coordinator finds it."""
    name = socket.gethostname() if host in (EVERYWHERE, "::") else bound
    typer.echo(f"listening on http://{_bracketed(bound)}:{port}")
    typer.echo(f'hosts = ["{_bracketed(name)}:{port}"]')


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def main() -> None:
    """Run the command."""
    app()
