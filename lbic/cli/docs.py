"""The generator of docs/cli.md: ``python -m lbic.cli.docs > docs/cli.md``.

The page consists of the commands' help and of the tables below; tests compare the tables with the
commands' real output.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import click

from lbic import errors
from lbic.cli import settings
from lbic.cli.main import cli
from lbic.cli.presets import PRESETS
from lbic.errors import ExitCode, LbicError
from lbic.metrics.table import METRICS

EXIT_CODES = {
    ExitCode.OK: "Success.",
    ExitCode.FAILED: (
        "Some of several files failed, the only one cannot be read or written, or the system refuses memory or threads."
    ),
    ExitCode.USAGE: "An option or a combination of options is invalid; nothing was written.",
    ExitCode.DAMAGED: "The file is damaged, or of a kind that lbic does not read.",
    ExitCode.MISSING: "A requested codec program, model or device is not available on this machine.",
    ExitCode.INTERRUPTED: (
        "Interrupted by Ctrl-C, SIGTERM or SIGHUP; finished files are complete, no other is left behind."
    ),
}

_INPUT = {"input": "name of the input; - for stdin"}
_OUTPUT = {**_INPUT, "output": "name of the output; - for stdout"}
_SIZE = {"width": "pixels", "height": "pixels"}
_CODED = {
    **_SIZE,
    "codec": "name of the codec",
    "q": "quality in the codec's own numbers",
    "scale": "factor by which the sides were made smaller before coding",
}
_FILE = {"bytes": "size of the .lbic file", "bpp": "bits per pixel of the original picture"}
_RAN = {
    "profile": "fast, lite or full; null if no network ran",
    "models": "names of the networks that ran, in order",
    "provider": "ONNX Runtime provider that ran them; null if none ran",
}
_END = {"seconds": "duration", "notes": "what the user should know, a list of sentences"}

JSON_KEYS: dict[str, dict[str, str]] = {
    "compress": {
        **_OUTPUT,
        **_CODED,
        "type": "number of the recommended enhancement type",
        **_FILE,
        "seconds": _END["seconds"],
        "dropped": "metadata items of the input that are not stored",
        "notes": _END["notes"],
    },
    "decompress": {
        **_OUTPUT,
        **_CODED,
        "type": "number of the enhancement type that was applied",
        "type_recorded": "number of the enhancement type that the file recommends",
        "strength": "blend of the codec's picture (0) and the enhanced one (1)",
        **_RAN,
        **_END,
    },
    "enhance": {
        **_OUTPUT,
        **_SIZE,
        "codec": "codec that damaged the picture, known or assumed",
        "q": "its quality, in the codec's own numbers",
        "q_from": "source of q: option (-q), file (a JPEG's quantisation table) or assumed",
        "type": "number of the enhancement type that was applied",
        "strength": "blend of the codec's picture (0) and the enhanced one (1)",
        **_RAN,
        **_END,
    },
    "info": {
        **_INPUT,
        **_SIZE,
        "gray": "true for a gray picture",
        "codec": _CODED["codec"],
        "package": "package that the codec comes from; null for lbic's own",
        **{key: _CODED[key] for key in ("q", "scale")},
        "type": "number of the recommended enhancement type",
        **_FILE,
        "payload": "size of the payload in bytes",
        "metadata": "size of each metadata item in bytes, by name",
    },
    "extract": {**_OUTPUT, **_CODED, "bytes": "size of the stream in bytes", "notes": _END["notes"]},
    "verify": {**_INPUT, **_CODED, "seconds": "duration"},
    "compare": {
        **_INPUT,
        **_SIZE,
        "codec": "name of the codec; for a picture file its format",
        "q": "quality in the codec's own numbers; null for a picture file, as are scale and type",
        "scale": "factor by which the sides were made smaller before coding",
        "type": "number of the enhancement type that was applied",
        "bytes": "size of the file",
        "bpp": "bits per pixel of the original picture",
        **{
            name: f"{metric.title}; null if it is infinite, undefined or not requested"
            for name, metric in METRICS.items()
        },
        **_END,
    },
    "models": {
        "name": "name of the network",
        "file": "file in the models folder",
        "sha256": "SHA-256 of the file",
        "bytes": "size of the file",
        "role": "its role in an enhancement type",
        "network": "architecture",
        "profile": "fast, lite or full",
        "codecs": "codecs it is for",
        "scales": "scales it is for",
        "quality": "lowest and highest quality it was trained on",
        "trained_on": "pictures it was trained on",
        "licence": "licence of the network",
        "provider": "ONNX Runtime provider that runs it here; null if it does not load",
        "note": "what is wrong or could be better; null if all is well",
    },
    "doctor": {
        "name": "what was checked",
        "works": "true if it works",
        "sentence": "how it works, or why not and what helps",
    },
}

_HEAD = """\
# Command line

This page is generated from the commands' own help by `python -m lbic.cli.docs > docs/cli.md`; do
not edit it.

Results and data go to stdout, everything else to stderr. An existing file is overwritten only with
`-f`, an input never; an output appears whole or not at all. A file that fails does not stop the
rest."""

_BY_EYE = """\
## Targets by eye

`--target-ssimulacra2 S` writes the smallest file whose decompressed picture has at least the
SSIMULACRA2 S. The score follows how people rate pictures: 100 is equal to the original, 90 cannot
be told from it, 70 is high quality, 50 medium, 30 low; bad pictures have less than 0. lbic codes
the picture some six times at the fastest effort and two or three times at the chosen one, and
decompresses those with the networks that a CPU runs: a photo of 12 megapixels takes minutes. The
score needs sides of 8 pixels or more. `lbic compare --metrics ssimulacra2` measures it.

A preset stands for options by what the file is for. Options override it: `--preset web -q 32` is
`-q 32`.

{presets}"""

_SETTINGS = """\
## Settings: lbic.toml

`lbic.toml` holds your own defaults of options, a table for each command. lbic reads the one in the
current folder or, if there is none, the one in your configuration folder (`~/.config/lbic` on
Linux); `lbic doctor` says which. Keys are the options' long names. The command line wins; an
option also replaces settings that it excludes, so `-q 30` replaces `target-ssimulacra2`.

```toml
[compress]
target-ssimulacra2 = 70
keep = ["icc", "exif"]

[decompress]
device = "cpu"
```

{commands} have settings.
What names files, overwrites them (`force`) or sends pictures away (`ray`) is no setting. An
unknown key is an error with exit code 2. The Python API does not read the file."""

_COMPLETION = """\
## Shell completion

`lbic completion bash|zsh|fish` prints a script; its help says where to put it. For the current
bash only: `eval "$(lbic completion bash)"`."""


def page() -> str:
    """Return the page as Markdown."""
    return "\n\n".join([_HEAD, *_commands(), _by_eye(), _settings(), _COMPLETION, _exit_codes(), *_json_keys()]) + "\n"


def _by_eye() -> str:
    rows = [f"| `{name}` | `{preset.options}` | {preset.use} |" for name, preset in PRESETS.items()]
    return _BY_EYE.format(presets="\n".join(["| preset | options | for |", "|---|---|---|", *rows]))


def _settings() -> str:
    *first, last = (f"`{name}`" for name in settings.COMMANDS)
    return _SETTINGS.format(commands=f"{', '.join(first)} and {last}")


def _commands() -> Iterator[str]:
    # A fixed width, so that the page does not depend on the terminal.
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
    intro = "A command on several files ends with 0 or 1, a command on one file with the code of that file."
    return "\n".join(["## Exit codes", "", intro, "", "| code | meaning |", "|---:|---|", *rows])


def _json_keys() -> Iterator[str]:
    codes = textwrap.fill(f"`error.code` is one of {', '.join(f'`{code}`' for code in _error_codes())}.", 99)
    yield (
        "## JSON\n\n`--json` prints one object per line on stdout. A file that failed is\n"
        '`{"input": ..., "error": {"code": ..., "message": ...}}`, one that `--skip-existing` skipped is\n'
        '`{"input": ..., "output": ..., "skipped": true}`.\n\n'
        f"{codes}\n\n"
        "`evaluate --json FILE` writes three lists: `rows` (one for each picture, coding and type),\n"
        "`means` over the pictures, and `bd_rate` (one for each codec, scale and type; the first is the\n"
        "anchor; empty if there is nothing to compare). An infinite PSNR and a metric that was not measured\n"
        "are null. A row with `kept` is from an earlier run, with its seconds. `encode_s` may be from an\n"
        "earlier run even if `kept` is false: the file was kept, and only decoded or measured again."
    )
    for command, keys in JSON_KEYS.items():
        rows = [f"| `{key}` | {meaning} |" for key, meaning in keys.items()]
        yield "\n".join([f"### lbic {command} --json", "", "| key | meaning |", "|---|---|", *rows])


def _error_codes() -> list[str]:
    """Return the codes of all classes of errors, each once."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LbicError)]
    return list(dict.fromkeys(kind.code for kind in kinds))


if __name__ == "__main__":
    click.echo(page(), nl=False)
