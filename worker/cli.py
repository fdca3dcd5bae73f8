"""The command `worker`: serve tiles until told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import warnings
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_cache_path

from tiling.errors import UnsupportedError
from tiling.kernels.select import Selected, Wish, select
from tiling.token import FILE_VARIABLE, Token
from worker.access import Guard, bracketed, name_of
from worker.allocation import freeze_imports, keep_freed_memory
from worker.compute import SLOPPY
from worker.errors import WorkerError
from worker.secret import load_token, token_path
from worker.server import serving
from worker.service import Service
from worker.settings import Settings, usable_cores
from worker.tls import Identity, own_identity

USAGE = 2
"""Exit code of what can't be served as asked."""

EVERYWHERE = "0.0.0.0"  # noqa: S104 - the fleet is on other machines; --host narrows it

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,  # they show local variables
    rich_markup_mode=None,
)


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
    token_file: Annotated[
        Path | None,
        typer.Option(
            envvar=FILE_VARIABLE,
            show_default="in your configuration folder",
            help="File with the fleet's token; made when there is none.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further name by which clients call this worker."),
    ] = None,
    tls: Annotated[
        bool,
        typer.Option("--tls", help="Encrypt, with a certificate that is made on first use."),
    ] = False,
    tls_cert: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Encrypt with this certificate (PEM, with its chain)."),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its key (PEM), if that is not in the same file."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Serve everybody on this machine, without a token.")
    ] = False,
    insecure_network: Annotated[
        bool, typer.Option("--insecure-network", help="With --insecure: everybody on the network.")
    ] = False,
) -> None:
    """Filter tiles for coordinators, until SIGTERM or Ctrl-C.

    What is in flight is finished first; a second signal exits at once.
    """
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    for category in SLOPPY:
        warnings.simplefilter("error", category)
    try:
        token = None if insecure else shared_token(token_path(token_file))
        if insecure:
            warn_insecure(host, network=insecure_network)
        check_names(allow_host or ())
        guard = Guard.of(token, [*own_names(), *(allow_host or ())])
        identity = shown_identity(tls_cert, tls_key, own=tls)
        selected = select(kernel, str(user_cache_path("tilefan") / "compiled"))
        if selected.note:
            say(selected.note)
        settings = Settings(threads=threads)
        code = asyncio.run(serve(settings, guard, selected, host, port, identity))
    except UnsupportedError as error:
        say(str(error))
        code = USAGE
    except WorkerError as error:
        say(str(error))
        code = error.exit_code
    raise typer.Exit(code)


def say(text: str) -> None:
    """Tell the person who started this worker, apart from what programs read."""
    typer.echo(f"worker: {text}", err=True)


def shared_token(path: Path) -> Token:
    """Return the token of a file; if it had to be made, say where it is and where it must go."""
    token, made = load_token(path)
    if made:
        say(f"made a token in {path}: copy that file, mode 600, to every node of the fleet")
    return token


def shown_identity(certificate: Path | None, key: Path | None, *, own: bool) -> Identity | None:
    """Return the identity that was asked for; None for a worker that does not encrypt."""
    if certificate is None:
        if key is not None:
            raise typer.BadParameter("a key without a certificate: add --tls-cert FILE")
        if not own:
            return None
        identity, made = own_identity()
        if made:
            say("made a certificate: put the lines below into each coordinator's hosts.toml")
        return identity
    if own:
        raise typer.BadParameter("--tls makes its own certificate: leave it out with --tls-cert")
    return Identity.load(certificate, key)


def warn_insecure(host: str, *, network: bool) -> None:
    """Warn of a worker without a token; on a network it must have been asked for twice."""
    if not is_loopback(host) and not network:
        hint = "--insecure serves this machine only: add --host 127.0.0.1, or --insecure-network"
        raise typer.BadParameter(hint)
    who = "everybody who reaches" if network else "every user of"
    say(f"no token is asked for: {who} {host} can use this worker")


def check_names(names: Iterable[str]) -> None:
    """Refuse what can't stand in ``Host``."""
    for name in names:
        if not name_of(name):
            raise typer.BadParameter(f"--allow-host: {name!r} is no name of a host")


def own_names() -> tuple[str, str]:
    """Return this machine's name, in full as it has it and without its domain."""
    name = socket.gethostname()
    return name, name.partition(".")[0]


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def serve(
    settings: Settings,
    guard: Guard,
    selected: Selected,
    host: str,
    port: int,
    identity: Identity | None = None,
) -> int:
    """Serve until a signal, finish what is in flight, and return the exit code."""
    keep_freed_memory()
    service = Service.start(settings, guard, selected)
    async with serving(service, host, port, identity.context if identity else None) as address:
        await service.warm()
        freeze_imports()
        told = listen_to_signals()
        announce(host, *address, identity.pin if identity else None)
        number = await told
        try:
            async with asyncio.timeout(settings.drain_s):
                await service.pool.drain()
        except TimeoutError:
            say(f"tiles were cut off after {settings.drain_s:g} s")
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


def announce(host: str, bound: str, port: int, pin: str | None = None) -> None:
    """Say that this worker can serve, and how a coordinator finds it."""
    name = socket.gethostname() if host in (EVERYWHERE, "::") else bound
    there = f"{bracketed(name)}:{port}"
    lines = [f"listening on http{'s' if pin else ''}://{bracketed(bound)}:{port}"]
    if pin:
        lines += ["[[hosts]]", f'url = "https://{there}"', f'certificate = "{pin}"']
    else:
        lines += [f'hosts = ["{there}"]']
    typer.echo("\n".join(lines))


def main() -> None:
    """Run the command."""
    app()
