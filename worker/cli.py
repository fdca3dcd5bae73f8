"""The command `worker`: serve tiles until a signal."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
import warnings
from collections.abc import Iterable
from importlib.metadata import version as installed_version
from ipaddress import ip_address
from math import inf
from pathlib import Path
from typing import Annotated

import typer

from places.errors import PlaceError
from places.roots import Roots
from tiling.errors import UnsupportedError
from tiling.probes.digests import quick
from tiling.probes.select import Requested, Selected, select
from tiling.protocol.token import FILE_VARIABLE, TOKEN_VARIABLE
from worker.announcement import EVERYWHERE, STDOUT, Announcement, announce, public_name
from worker.endpoints.plain import FORM_WARNINGS
from worker.errors import WorkerError
from worker.lifetime import FOREVER, Lifetime
from worker.log import ROOT, Event, Level, configure
from worker.machine import usable_cores
from worker.runtime.malloc import freeze_imports, keep_freed_memory
from worker.security.auth import Guard, bracketed, name_of
from worker.security.pairing import Pairing
from worker.security.tls import ServerCertificate, own_certificate
from worker.security.token_file import SharedToken, find_token, own_files
from worker.server import serving
from worker.settings import Settings
from worker.state import Service
from worker.usage import WorkerCommand, duration, port_number, served, thread_count

LOG = logging.getLogger(f"{ROOT}.cli")

USAGE = 2
"""Exit code of what can't be served as asked."""

EPILOG = """
\b
Examples:
  worker --pair
  worker --port 8080 --tls
  worker --serve-from /mnt/data
  worker --insecure --host 127.0.0.1 --port 0 --threads 2

\b
Exit codes:
  0         stopped, and everything in flight was answered
  1         a fault of the worker itself
  2         usage
  6         the token file or the certificate can't be used
  7         can't listen, or can't announce itself
  130, 143  stopped at once: a second signal, or tiles took too long
"""
"""The end of the help; a line of ``\\b`` keeps a paragraph's lines."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"worker {installed_version('tilefan')}")
        raise typer.Exit


app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("worker", cls=WorkerCommand, epilog=EPILOG)
def worker(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = EVERYWHERE,
    port: Annotated[
        int,
        typer.Option(
            parser=port_number, metavar="PORT", help="Port to listen on; 0 takes a free one."
        ),
    ] = 8080,
    threads: Annotated[
        int,
        typer.Option(
            parser=thread_count,
            metavar="NUMBER",
            default_factory=usable_cores,
            show_default="cores",
            help="Tiles computed at the same time.",
        ),
    ],
    kernel: Annotated[
        Requested,
        typer.Option(help="What computes: auto takes the native one if it proves itself."),
    ] = "auto",
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default="in your configuration folder",
            help="File with the fleet's token; made when there is none. The variable "
            f"{TOKEN_VARIABLE}, the token itself, comes next, then {FILE_VARIABLE}.",
        ),
    ] = None,
    pair: Annotated[
        bool,
        typer.Option(
            "--pair", metavar="", help="Show a code with which coord pair shares the token."
        ),
    ] = False,
    allow_host: Annotated[
        list[str],
        typer.Option(metavar="NAME", help="A further name by which clients call this worker."),
    ] = [],  # noqa: B006 - Typer reads it
    tls: Annotated[
        bool,
        typer.Option(
            "--tls", metavar="", help="Encrypt, with a certificate that is made on first use."
        ),
    ] = False,
    tls_cert: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Encrypt with this certificate (PEM, with its chain)."),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its key (PEM), if that is not in the same file."),
    ] = None,
    until_idle: Annotated[
        float | None,
        typer.Option(
            parser=duration,
            metavar="TIME",
            help="End after so long without a request, such as 15m; metrics do not count.",
        ),
    ] = None,
    until: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            envvar="SLURM_JOB_END_TIME",
            help="When this machine's time is over, in seconds since 1970: coordinators send no "
            "tile that would not be done.",
        ),
    ] = None,
    announce_to: Annotated[
        Path | None,
        typer.Option(
            "--announce",
            metavar="FILE",
            help="Where to write, as JSON on a line, how it is reached; - is stdout. Serves until "
            "the file is removed.",
        ),
    ] = None,
    serve_from: Annotated[
        list[str],
        typer.Option(
            parser=served,
            metavar="FOLDER",
            help="A folder whose files coordinators may have read, and their outputs written "
            "there; or a bucket to read in, s3://BUCKET/PREFIX. May be repeated.",
        ),
    ] = [],  # noqa: B006 - Typer reads it
    log_level: Annotated[
        Level, typer.Option(help="Least level of what is logged to stderr.")
    ] = "info",
    log_json: Annotated[
        bool, typer.Option("--log-json", metavar="", help="Log JSON objects, one a line.")
    ] = False,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", metavar="", help="Serve all users of this machine, without a token."
        ),
    ] = False,
    insecure_network: Annotated[
        bool,
        typer.Option("--insecure-network", metavar="", help="With --insecure: all of the network."),
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback has shown it
        bool,
        typer.Option(
            "--version", metavar="", callback=_show_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    """Filter tiles for coordinators, until SIGTERM or Ctrl-C.

    What is in flight is finished first; a second signal exits at once.
    """
    configure(log_level, as_json=log_json)
    for category in FORM_WARNINGS:
        warnings.simplefilter("error", category)
    try:
        shared = None if insecure else shared_token(token_file, pair=pair)
        if insecure:
            warn_insecure(host, network=insecure_network, pair=pair, serves=bool(serve_from))
        check_names(allow_host)
        guard = Guard(shared.token if shared else None, [*own_names(), *allow_host])
        certificate = chosen_certificate(tls_cert, tls_key, own=tls)
        selected = select(kernel, quick())
        if selected.note:
            LOG.warning(selected.note)
        settings = Settings(threads=threads, until=until or inf)
        paired = shared if pair else None
        lifetime = Lifetime(until_idle or inf, Announcement(announce_to) if announce_to else None)
        token_path = shared.path if shared else None
        roots = Roots.of(serve_from, own_files(token_path, tls_cert, tls_key))
        code = asyncio.run(
            serve(settings, guard, selected, host, port, certificate, paired, lifetime, roots)
        )
    except (UnsupportedError, PlaceError) as error:
        LOG.critical(str(error))
        code = USAGE
    except WorkerError as error:
        LOG.critical(str(error))
        code = error.exit_code
    raise typer.Exit(code)


def shared_token(token_file: Path | None, *, pair: bool) -> SharedToken:
    """Return the token; if it had to be made, log where it is and how other machines get it."""
    shared = find_token(token_file)
    if shared.made and pair:
        LOG.warning("made a token in %s", shared.path)
    elif shared.made:
        LOG.warning(
            "made a token in %s, which all machines of the fleet must share: start with "
            "`worker --pair`, or copy that file, mode 600, to each of them",
            shared.path,
        )
    return shared


def chosen_certificate(
    certificate: Path | None, key: Path | None, *, own: bool
) -> ServerCertificate | None:
    """Return the certificate that the options name; None for a worker without TLS.

    Raises
    ------
    typer.BadParameter
        If the options contradict each other.
    """
    if certificate is None:
        if key is not None:
            raise typer.BadParameter("a key without a certificate: add --tls-cert FILE")
        if not own:
            return None
        server_certificate, made = own_certificate()
        if made:
            LOG.warning(
                "made a certificate: put the lines below into each coordinator's hosts.toml"
            )
        return server_certificate
    if own:
        raise typer.BadParameter("--tls makes its own certificate: leave it out with --tls-cert")
    return ServerCertificate.load(certificate, key)


def warn_insecure(host: str, *, network: bool, pair: bool, serves: bool = False) -> None:
    """Warn of a worker without a token; on a network it must have been asked for twice.

    Raises
    ------
    typer.BadParameter
        If others can reach the address and `network` is false, or could read the files that it
        serves; or if a token is to be shared.
    """
    if pair:
        raise typer.BadParameter("--pair shares a token, and --insecure has none: leave one out")
    if not is_loopback(host) and not network:
        hint = "--insecure serves this machine only: add --host 127.0.0.1, or --insecure-network"
        raise typer.BadParameter(hint)
    if serves and network:
        hint = "--serve-from shows files to who has the token: leave out --insecure-network"
        raise typer.BadParameter(hint)
    who = "every client that reaches" if network else "every user of"
    LOG.warning("no token is asked for: %s %s can use this worker", who, host)


def check_names(names: Iterable[str]) -> None:
    """Refuse what can't stand in ``Host``.

    Raises
    ------
    typer.BadParameter
        If one is no name of a host.
    """
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
    certificate: ServerCertificate | None = None,
    shared: SharedToken | None = None,
    lifetime: Lifetime = FOREVER,
    roots: Roots = Roots(),  # noqa: B008 -- a frozen value
) -> int:
    """Serve until a signal, finish what is in flight, and return the exit code.

    Whoever has the code that is shown can share the token, if there is one.
    """
    keep_freed_memory()
    pin = certificate.pin if certificate else None
    pairing = Pairing(guard, shared, time.monotonic(), pin) if shared else None
    service = Service(settings, guard, selected, pairing, roots)
    context = certificate.context if certificate else None
    async with serving(service, host, port, context) as address:
        await service.warm()
        freeze_imports()
        stop = listen_to_signals()
        LOG.info(
            Event(
                "listening",
                address=f"{bracketed(address[0])}:{address[1]}",
                slots=service.pool.slots,
                tls=certificate is not None,
                kernel=selected.name,
                version=service.identity.version,
            )
        )
        announcement = lifetime.announcement
        if announcement is None or announcement.path != STDOUT:
            announce(host, *address, pin, pairing.code if pairing else None)
        if announcement is not None:
            name = public_name(host, address[0])
            announcement.publish(name, address[1], pin, service.identity)
        watch = asyncio.create_task(lifetime.watch(service))
        number = await stop
        watch.cancel()
        if announcement is not None:
            announcement.withdraw()
        signal_name = signal.Signals(number).name
        LOG.info(Event("draining", signal=signal_name, in_flight=service.pool.in_flight))
        try:
            async with asyncio.timeout(settings.drain_s):
                await service.pool.drain()
        except TimeoutError:
            abandoned = service.pool.in_flight
            LOG.warning(Event("drain timeout", seconds=settings.drain_s, abandoned=abandoned))
            os._exit(128 + number)  # threads can't be stopped, and would be waited for
    LOG.info(Event("stopped"))
    return 0


def listen_to_signals() -> asyncio.Future[int]:
    """Return a future of the first SIGTERM or SIGINT; the second exits at once."""
    loop = asyncio.get_running_loop()
    first: asyncio.Future[int] = loop.create_future()

    def receive(number: int) -> None:
        if first.done():
            os._exit(128 + number)
        first.set_result(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, receive, number)
    return first


def main() -> None:
    """Run the command."""
    app()
