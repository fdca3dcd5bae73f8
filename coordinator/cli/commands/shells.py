"""The command `coord completion`: what a shell needs to complete our commands."""

from __future__ import annotations

import click

from coordinator.cli.options import command

SHELLS = ("bash", "zsh", "fish")


@command(
    "completion",
    click.Argument(["shell"], type=click.Choice(SHELLS), help="That is to complete."),
    examples=(
        "coord completion bash >> ~/.bashrc",
        "coord completion zsh >> ~/.zshrc",
        "coord completion fish > ~/.config/fish/completions/coord.fish",
    ),
)
def completion(shell: str) -> None:
    """Print a script that makes a shell complete commands, options, filters, modes and workers."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"{shell}: this version of click knows no such shell")
    root = click.get_current_context().find_root().command
    click.echo(made(root, {}, "coord", "_COORD_COMPLETE").source())
