"""The command ``lbic completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from lbic.cli.main import cli
from lbic.errors import ExitCode

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> ExitCode:
    """Print the script that completes lbic's commands and options in a shell.

    \b
    bash:  lbic completion bash > ~/.local/share/bash-completion/completions/lbic
    zsh:   lbic completion zsh > ~/.zfunc/_lbic     (with fpath+=~/.zfunc before compinit)
    fish:  lbic completion fish > ~/.config/fish/completions/lbic.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "lbic", "_LBIC_COMPLETE").source())
    return ExitCode.OK
