"""docs/cli.md, made from the commands themselves: ``python -m lbic.cli.docs > docs/cli.md``.

What --help cannot tell (exit codes, JSON keys) is in the tables here; tests hold them against the
programs' real output.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from lbic import errors
from lbic.cli.main import cli
from lbic.errors import ExitCode, LbicError
from lbic.metrics.table import METRICS

EXIT_CODES = {
    ExitCode.OK: "All went well.",
    ExitCode.FAILED: "Some of several files failed; or the only one cannot be read or written.",
    ExitCode.USAGE: "An option or a combination of options makes no sense; nothing was done.",
    ExitCode.DAMAGED: "The file is damaged, or of a kind that lbic does not read.",
    ExitCode.MISSING: "A codec program, model or device that was asked for is not on this machine.",
    ExitCode.INTERRUPTED: (
        "Interrupted by Ctrl-C, SIGTERM or SIGHUP; finished files are whole, there is no part of another."
    ),
}

_INPUT = {"input": "name of the input, - for stdin"}
_OUTPUT = {**_INPUT, "output": "name of the output"}
_SIZE = {"width": "pixels", "height": "pixels"}
_CODED = {
    **_SIZE,
    "codec": "name of the codec",
    "q": "quality, in the codec's own numbers",
    "scale": "how many times smaller the sides were coded",
}
_FILE = {"bytes": "size of the .lbic file", "bpp": "its bits for each pixel of the picture"}
_RAN = {
    "profile": "fast, lite or full; null when no network ran",
    "models": "names of the networks that ran, in order",
    "provider": "the ONNX Runtime provider they really ran on; null when none ran",
}
_END = {"seconds": "time it took", "notes": "what the user should know, a list of sentences"}

JSON_KEYS: dict[str, dict[str, str]] = {
    "compress": {**_OUTPUT, **_CODED, "type": "enhancement recommended, its number", **_FILE, **_END},
    "decompress": {
        **_OUTPUT,
        **_CODED,
        "type": "enhancement applied, its number",
        "type_recorded": "enhancement the file recommends, its number",
        "strength": "--strength",
        **_RAN,
        **_END,
    },
    "enhance": {
        **_OUTPUT,
        **_SIZE,
        "codec": "what the picture was taken to be coded with",
        "q": "at what quality, in the codec's own numbers",
        "q_from": "who says so: option (-q), file (a JPEG's quantisation table) or assumed",
        "type": "enhancement applied, its number",
        "strength": "--strength",
        **_RAN,
        **_END,
    },
    "info": {
        **_INPUT,
        **_SIZE,
        "gray": "true for a gray picture",
        **{key: _CODED[key] for key in ("codec", "q", "scale")},
        "type": "enhancement recommended, its number",
        **_FILE,
        "payload": "bytes of the codec's stream",
        "metadata": "bytes of each metadata item, by name",
    },
    "extract": {**_OUTPUT, **_CODED, "bytes": "size of the stream", "notes": _END["notes"]},
    "verify": {**_INPUT, **_CODED, "seconds": "time it took"},
    "compare": {
        **_INPUT,
        **_SIZE,
        "codec": "name of the codec; of a picture file its format",
        "q": "quality, in the codec's own numbers; null for a picture file, as are the next two",
        "scale": "how many times smaller the sides were coded",
        "type": "enhancement applied, its number",
        "bytes": "size of the file",
        "bpp": "its bits for each pixel of the picture",
        **{
            name: f"{metric.title}; null where it is infinite, not defined or not asked for"
            for name, metric in METRICS.items()
        },
        **_END,
    },
    "models": {
        "name": "name of the network",
        "file": "file below models/",
        "sha256": "of the file",
        "bytes": "size of the file",
        "role": "the step it takes in an enhancement type",
        "network": "architecture",
        "profile": "fast, lite or full",
        "codecs": "codecs it was trained for",
        "scales": "scales it serves",
        "quality": "lowest and highest quality it was trained for",
        "trained_on": "pictures it was trained on",
        "licence": "of the network",
        "provider": "the ONNX Runtime provider it runs on here; null when it does not load",
        "note": "what is wrong or could be better; null when all is well",
    },
    "doctor": {
        "name": "what was looked at",
        "works": "true or false",
        "sentence": "how, or why not and what helps",
    },
}

_HEAD = """\
# Command line

This page is generated from the commands' own help by `python -m lbic.cli.docs > docs/cli.md`; do not edit it.

Results and data go to stdout, everything else to stderr. A file that is there is overwritten only with
`-f`, an input never; an output appears whole or not at all. A file that fails does not stop the rest."""

_COMPLETION = """\
## Shell completion

`lbic completion bash|zsh|fish` prints a script; its help says where to put it. For the running bash alone:
`eval "$(lbic completion bash)"`."""


def page() -> str:
    """The whole page."""
    return "\n\n".join([_HEAD, *_commands(), _COMPLETION, _exit_codes(), *_json_keys()]) + "\n"


def _commands() -> Iterator[str]:
    # A fixed width: the page must not depend on the terminal it was made in.
    context = click.Context(
        cli, info_name="lbic", terminal_width=100, help_option_names=cli.context_settings["help_option_names"]
    )
    yield from _help(cli, context, level=2)


def _help(command: click.Command, context: click.Context, *, level: int) -> Iterator[str]:
    yield f"{'#' * level} {context.command_path}\n\n```text\n{command.get_help(context)}\n```"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            inner = click.Context(child, info_name=name, parent=context)
            yield from _help(child, inner, level=level + (context.parent is not None))


def _exit_codes() -> str:
    rows = [f"| {code.value} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    intro = "Several files end with 0 or 1; one file ends with its own code."
    return "\n".join(["## Exit codes", "", intro, "", "| code | meaning |", "|---:|---|", *rows])


def _json_keys() -> Iterator[str]:
    codes = ", ".join(f"`{code}`" for code in _error_codes())
    yield (
        "## JSON\n\n`--json` prints one object per line on stdout. A file that failed gives "
        '`{"input": ..., "error": {"code": ..., "message": ...}}`,\n'
        'one that `--skip-existing` left out `{"input": ..., "output": ..., "skipped": true}`;\n'
        f"`error.code` is one of {codes}.\n\n"
        "`evaluate --json FILE` writes `rows` (one for each picture, coding and type), `means` over the\n"
        "pictures and `bd_rate` (one for each codec, scale and type; the first is the anchor, empty where there is\n"
        "nothing to compare); an infinite PSNR is null there, and so is a metric that was not measured. A row with\n"
        "`kept` is from an earlier run, its seconds too. So may `encode_s` be where `kept` is false: the file was\n"
        "there, and is only decoded or measured anew."
    )
    for command, keys in JSON_KEYS.items():
        rows = [f"| `{key}` | {meaning} |" for key, meaning in keys.items()]
        yield "\n".join([f"### lbic {command} --json", "", "| key | meaning |", "|---|---|", *rows])


def _error_codes() -> list[str]:
    """The code of every kind of error that a file can end with, each once."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LbicError)]
    return list(dict.fromkeys(kind.code for kind in kinds))


if __name__ == "__main__":
    click.echo(page(), nl=False)
