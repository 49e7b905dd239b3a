"""The ``lbic`` command: a group that imports a sub-command only when it is called."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import click

from lbic.cli import hints, interrupt
from lbic.cli.report import one_line
from lbic.errors import ExitCode, LbicError, reason
from lbic.isolation import process
from lbic.isolation.protocol import DECODE, READ


class CommandRow(NamedTuple):
    """One sub-command: the module below lbic.cli that defines it under its own name, what it does in a line, and
    what it first asks a process of its own for: DECODE .lbic files, READ pictures."""

    module: str
    summary: str
    asks: int | None = None


COMMANDS = {
    "compress": CommandRow("compress", "Make pictures very small: a.png -> a.lbic.", READ),
    "decompress": CommandRow("decompress", "Bring them back, enhanced: a.lbic -> a.lbic.png.", DECODE),
    "info": CommandRow("info", "Tell what .lbic files say of themselves; decodes nothing."),
    "verify": CommandRow("verify", "Check that .lbic files decode; writes nothing.", DECODE),
    "extract": CommandRow("extract", "Write the codec's own stream in them, for other programs."),
    "enhance": CommandRow("enhance", "Run a network on any picture that a codec damaged, such as an old JPEG.", READ),
    "evaluate": CommandRow("evaluate", "Measure size and quality over a folder of pictures."),
    "compare": CommandRow("compare", "Measure versions of a picture and show them side by side on a page."),
    "models": CommandRow("models", "List the networks that are shipped and check their files."),
    "doctor": CommandRow("doctor", "Tell what works on this machine and, where something does not, why."),
    "train": CommandRow("train", "Train a network (needs PyTorch)."),
    "export": CommandRow("export", "Turn a trained network into a model that is shipped (needs PyTorch)."),
    "completion": CommandRow("completion", "Print the script that makes a shell complete lbic's options."),
}

SHORT_HELP = """\
lbic makes pictures very small and brings them back looking good.

  lbic compress a.png             writes a.lbic (VVC at QP 37; -q 27 is better and larger, -q 47 smaller)
  lbic decompress a.lbic          writes a.lbic.png, enhanced as the file recommends
  lbic enhance old.jpg            writes old.enhanced.png

'lbic -h' lists the commands, 'lbic compress -h' the options of one, 'lbic doctor' what works here."""


class LbicGroup(click.Group):
    """Imports a command's module when the command is looked up, and turns every failure into a line and a code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        if row.asks is not None:
            process.prepare(row.asks)  # its imports take as long as the command's own
        command = getattr(importlib.import_module(f"lbic.cli.{row.module}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # Click would import every command for its first line.
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
        """Run the command line and exit with one of ExitCode; commands return theirs."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is: names need not be text
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
            # Writing to stdout is what is left: lbic.system.files reads and writes files.
            where = f"{error.filename}: " if error.filename else ""
            code = _fail(f"{where}{reason(error)}", ExitCode.FAILED)
        sys.exit(int(code or ExitCode.OK))


def _fail(sentence: str, code: ExitCode) -> ExitCode:
    click.echo(one_line(f"lbic: error: {sentence}"), err=True)
    return code


def _sentence(error: click.ClickException) -> str:
    """Click's message in one line, with the command whose help tells more."""
    text = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{text}; see '{context.command_path} -h'" if context else text


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
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
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
@click.pass_context
def cli(ctx: click.Context) -> ExitCode:
    """Make pictures very small and bring them back looking good.

    A standard codec (VVC, JPEG) makes the file; neural networks repair what it damaged when the
    file is opened. Results and data go to stdout, everything else to stderr.
    """
    if ctx.invoked_subcommand is None:
        click.echo(SHORT_HELP, err=True)
        return ExitCode.USAGE
    return ExitCode.OK


def main() -> NoReturn:
    """The entry point of the ``lbic`` program."""
    interrupt.listen()
    try:
        cli.main()
    except (SystemExit, KeyboardInterrupt) as ended:
        if isinstance(ended, SystemExit) and ended.code != ExitCode.INTERRUPTED:
            raise
        interrupt.end()
