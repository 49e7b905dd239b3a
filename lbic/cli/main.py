"""The ``lbic`` command: imports a sub-command only when it is called."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import click

from lbic.cli import hints, interrupt
from lbic.cli.report import one_line
from lbic.errors import ExitCode, LbicError, reason, shortage
from lbic.isolation import process
from lbic.isolation.protocol import DECODE, READ


class CommandRow(NamedTuple):
    """A sub-command."""

    module: str
    """The module of lbic.cli that defines it under its own name."""
    summary: str
    """What it does, in one line."""
    request: int | None = None
    """What it first asks a worker process for: DECODE or READ; None if it needs no worker."""


COMMANDS = {
    "compress": CommandRow("compress", "Compress pictures to very small files: a.png -> a.lbic.", READ),
    "decompress": CommandRow("decompress", "Decompress and enhance pictures: a.lbic -> a.lbic.png.", DECODE),
    "info": CommandRow("info", "Show the headers of .lbic files; decodes nothing."),
    "verify": CommandRow("verify", "Check that .lbic files decode; writes nothing.", DECODE),
    "extract": CommandRow("extract", "Extract the codec's standard stream from .lbic files, for other programs."),
    "enhance": CommandRow("enhance", "Enhance pictures with coding artifacts, such as old JPEGs.", READ),
    "evaluate": CommandRow("evaluate", "Measure size and quality over a folder of pictures."),
    "compare": CommandRow("compare", "Measure versions of a picture and show them side by side on an HTML page."),
    "models": CommandRow("models", "List the shipped networks and check their files."),
    "doctor": CommandRow("doctor", "Check what works on this machine and why something does not."),
    "train": CommandRow("train", "Train a network (needs PyTorch)."),
    "export": CommandRow("export", "Export a trained network to a model file (needs PyTorch)."),
    "completion": CommandRow("completion", "Print the script for shell completion."),
    "integrate": CommandRow("integrate", "Install the MIME type, thumbnailer and manual page."),
    "thumbnail": CommandRow("thumbnail", "Write a small PNG of a .lbic file, for file managers.", DECODE),
}

SHORT_HELP = """\
lbic compresses photos to very small files and restores them with neural networks.

  lbic compress a.png             writes a.lbic (VVC, QP 37; -q 27: better and larger, -q 47: smaller)
  lbic decompress a.lbic          writes a.lbic.png, enhanced as the file recommends
  lbic enhance old.jpg            writes old.enhanced.png

'lbic -h' lists the commands, 'lbic compress -h' the options of compress; 'lbic doctor' checks what works here."""


class LbicGroup(click.Group):
    """A group that imports commands on demand and reports errors as a line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of this name."""
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        if row.request is not None:
            # The worker imports its libraries while this process imports its own.
            process.prepare(row.request)
        command = getattr(importlib.import_module(f"lbic.cli.{row.module}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, and its defaults in lbic.toml.

        The help and ``lbic doctor`` work with a damaged file, too.
        """
        name, command, rest = super().resolve_command(ctx, args)
        if name and command and not ctx.resilient_parsing and not {"-h", "--help"} & set(rest):
            from lbic.cli import settings

            ctx.default_map = {name: settings.load(name, command)}
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them, as Click would."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.summary) for name, row in COMMANDS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run the command line and exit with the code of the command or its error."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            # As on stderr: names of files need not be text.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            code = super().main(args, prog_name or "lbic", complete_var, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            code = ExitCode.USAGE
        except click.ClickException as error:
            code = _fail(_sentence(error), ExitCode(error.exit_code))
        except LbicError as error:
            code = _fail(hints.sentence(error), error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            code = _fail("interrupted", ExitCode.INTERRUPTED)
        except OSError as error:
            # A failed write to stdout; lbic.system.files handles the errors of files.
            where = f"{error.filename}: " if error.filename else ""
            code = _fail(f"{where}{reason(error)}", ExitCode.FAILED)
        except Exception as error:
            short = shortage(error)
            if short is None:
                raise
            code = _fail(str(short), short.exit_code)
        sys.exit(int(code or ExitCode.OK))


def _fail(sentence: str, code: ExitCode) -> ExitCode:
    click.echo(one_line(f"lbic: error: {sentence}"), err=True)
    return code


def _sentence(error: click.ClickException) -> str:
    """Return Click's message in one line, with the command whose help says more."""
    text = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{text}; see '{context.command_path} -h'" if context else text


def _print_version(ctx: click.Context, _parameter: click.Parameter, requested: bool) -> None:
    if requested and not ctx.resilient_parsing:
        from lbic import __version__

        click.echo(f"lbic {__version__}")
        ctx.exit()


@click.group(
    name="lbic",
    cls=LbicGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context) -> ExitCode:
    """Compress photos to very small files and restore them with neural networks.

    A standard codec (VVC, JPEG and others) encodes the picture; neural networks remove its
    artifacts when the file is decompressed. Results go to stdout, messages to stderr.
    """
    if ctx.invoked_subcommand is None:
        click.echo(SHORT_HELP, err=True)
        return ExitCode.USAGE
    return ExitCode.OK


def main() -> NoReturn:
    """The entry point of the ``lbic`` program."""
    # NumPy's linear algebra would start a thread for each core. lbic hardly uses it, and where the
    # system permits no further thread it ends the process with SIGINT.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    interrupt.listen()
    try:
        cli.main()
    except (SystemExit, KeyboardInterrupt) as ended:
        if isinstance(ended, SystemExit) and ended.code != ExitCode.INTERRUPTED:
            raise
        interrupt.end()
