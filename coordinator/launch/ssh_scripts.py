"""The scripts that a node's sh reads from its stdin: plain POSIX, whatever the login shell is.

Each is a function that is called in its last line, so that all of it is read before any of it runs.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from coordinator.errors import InputError
from tiling.protocol.token import Token

NO_PROGRAM: Final = 127
"""Exit code where there is no program of a worker."""

OLD_PYTHON: Final = 78
"""Exit code where Python is older than this package needs."""

DATA: Final = '"${XDG_DATA_HOME:-$HOME/.local/share}"/tilefan/'

STATE: Final = '"${XDG_STATE_HOME:-$HOME/.local/state}"/tilefan/fleets/'

POLLS_A_SECOND: Final = 5

START: Final = """\
umask 077
folder={folder}
mkdir -p "$folder" || exit 1
cat > "$folder/token" <<'END' || exit 1
{token}
END
{worker}
command -v "$worker" > /dev/null 2>&1 || {{ rm -rf "$folder"; exit {no_program}; }}
nohup "$worker" --token-file "$folder/token" --announce "$folder/worker.json" {options} \\
  > "$folder/log" 2>&1 < /dev/null &
process=$!
polls=0
while [ -d "$folder" ] && [ ! -s "$folder/worker.json" ] &&
  [ "$polls" -lt {polls} ] && kill -0 "$process" 2> /dev/null
do
  sleep 0.2 2> /dev/null || sleep 1
  polls=$((polls + 1))
done
rm -f "$folder/token"
if [ -s "$folder/worker.json" ]
then cat "$folder/worker.json"; exit 0
fi
kill "$process" 2> /dev/null
tail -n 20 "$folder/log"
rm -rf "$folder"
exit 1
"""

INSTALLED: Final = """\
worker={venv}/bin/worker
[ -x "$worker" ] || worker=worker"""

INSTALL: Final = """\
umask 077
folder={venv}
[ "$(cat "$folder/installed" 2> /dev/null)" = {key} ] && exit 0
rm -rf "$folder"
mkdir -p "$folder" || exit 1
exec 2>&1
uv=
if {python} -c 'import sys; sys.exit(sys.version_info < (3, 11))' && {python} -m venv "$folder"
then :
elif command -v uv > /dev/null 2>&1
then uv=yes; uv venv --quiet --allow-existing --python '>=3.11' "$folder" || exit 1
else {python} -V; exit {old}
fi
what={what}
{receive}
if [ "$uv" ]
then uv pip install --quiet --python "$folder/bin/python" "$what" || exit 1
else "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$what" || exit 1
fi
echo {key} > "$folder/installed"
"""

RECEIVE: Final = """\
what="$folder/$what"
"$folder/bin/python" -c 'import base64, sys
open(sys.argv[1], "wb").write(base64.b64decode(sys.stdin.read()))' "$what" <<'END' || exit 1
{data}
END"""


def start(
    fleet: str,
    number: int,
    token: Token,
    *,
    worker: str | None,
    wait_s: float,
    options: Sequence[str],
) -> str:
    """Return the script that starts a worker, waits for its announcement and prints it.

    Parameters
    ----------
    fleet : str
        Name of the fleet.
    number : int
        Of the node: nodes may share a home.
    token : Token
        Is in a file of the node for as long as the worker takes to read it.
    worker : str, optional
        The program.
    wait_s : float
    options : sequence of str
        Of the worker.
    """
    return _whole(
        START.format(
            folder=_folder(fleet, number),
            token=token.reveal(),
            worker=INSTALLED.format(venv=_venv()) if worker is None else f"worker={_path(worker)}",
            options=shlex.join(options),
            polls=round(wait_s * POLLS_A_SECOND),
            no_program=NO_PROGRAM,
        )
    )


def stop(fleet: str, number: int) -> str:
    """Return the script that lets a worker end."""
    return _whole(f"rm -rf {_folder(fleet, number)}\n")


def installation(python: str, wheel: str | None) -> str:
    """Return the script that installs this version, or a wheel, in a folder of its own.

    Raises
    ------
    InputError
        If the wheel can't be read, or is none of this version.
    """
    if wheel is None:
        what = key = f"tilefan=={version('tilefan')}"
        receive = ""
    else:
        data = _read(Path(wheel))
        what, key = Path(wheel).name, hashlib.sha256(data).hexdigest()
        receive = RECEIVE.format(data=base64.encodebytes(data).decode("ascii").rstrip())
    return _whole(
        INSTALL.format(
            venv=_venv(),
            key=shlex.quote(key),
            python=_path(python),
            old=OLD_PYTHON,
            what=shlex.quote(what),
            receive=receive,
        )
    )


def _read(wheel: Path) -> bytes:
    wanted = f"tilefan-{version('tilefan')}-"
    if not (wheel.name.startswith(wanted) and wheel.suffix == ".whl"):
        raise InputError(f"{wheel}: no wheel of this version, whose name begins with {wanted}")
    try:
        return wheel.read_bytes()
    except OSError as error:
        raise InputError(f"{wheel}: can't be read: {error.strerror}") from None


def _whole(script: str) -> str:
    return f"main() {{\n{script}}}\nmain\n"


def _folder(fleet: str, number: int) -> str:
    return f"{STATE}{shlex.quote(fleet)}-{number}"


def _venv() -> str:
    return f"{DATA}venv-{shlex.quote(version('tilefan'))}"


def _path(path: str) -> str:
    """Return a path of the node as its sh takes it; ``~`` is the home there."""
    if path.startswith("~/"):
        return f'"$HOME"/{shlex.quote(path[2:])}'
    return shlex.quote(path)
