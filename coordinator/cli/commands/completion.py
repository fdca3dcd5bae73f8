"""The command `coord completion`: a script for a shell."""

from __future__ import annotations

from typing import Literal

import typer

from coordinator.cli.options import argument, command

Shell = Literal["bash", "zsh", "fish"]


@command(
    "completion",
    argument("shell", "SHELL", "That is to complete: bash, zsh or fish.", Shell),
    examples=(
        "coord completion bash >> ~/.bashrc",
        "coord completion zsh >> ~/.zshrc",
        "coord completion fish > ~/.config/fish/completions/coord.fish",
    ),
)
def completion(shell: Shell) -> None:
    """Print a script that makes a shell complete commands, options, filters, modes and workers."""
    from typer._completion_shared import get_completion_script

    typer.echo(
        get_completion_script(prog_name="coord", complete_var="_COORD_COMPLETE", shell=shell)
    )
