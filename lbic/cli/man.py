"""The manual page lbic(1), made from the commands' own help."""

from __future__ import annotations

from collections.abc import Iterator

import click

from lbic.cli.docs import EXIT_CODES
from lbic.cli.main import COMMANDS, cli
from lbic.version import __version__


def page() -> str:
    """Return the page in roff."""
    names = {"help_option_names": cli.context_settings["help_option_names"]}
    context = click.Context(cli, info_name="lbic", terminal_width=78, max_content_width=78, **names)
    return "\n".join(_lines(context)) + "\n"


def _lines(context: click.Context) -> Iterator[str]:
    yield f'.TH LBIC 1 "" "lbic {__version__}" "User commands"'
    yield ".SH NAME\nlbic \\- compress photos to very small files and restore them with neural networks"
    yield ".SH SYNOPSIS\n.B lbic\n.I command\n[\\fIoptions\\fR] [\\fIfiles\\fR]"
    yield f".SH DESCRIPTION\n{_verbatim(cli.get_help(context))}"
    for name in COMMANDS:
        yield f'.SH "LBIC {name.upper()}"'
        yield from _help(cli, name, context)
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_CODES.items():
        yield f".TP\n{code.value}\n{_escaped(meaning)}"


def _help(group: click.Group, name: str, context: click.Context) -> Iterator[str]:
    """Yield the help of a command and of its sub-commands."""
    command = group.get_command(context, name)
    assert command is not None
    inner = click.Context(command, info_name=name, parent=context)
    yield _verbatim(command.get_help(inner))
    if isinstance(command, click.Group):
        for child in command.list_commands(inner):
            yield f'.SS "{inner.command_path} {child}"'
            yield from _help(command, child, inner)


def _verbatim(text: str) -> str:
    """Return text that keeps its lines."""
    return f".nf\n{_escaped(text)}\n.fi"


def _escaped(text: str) -> str:
    """Return text as roff prints it unchanged: special characters are escaped."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in escaped.split("\n"))
