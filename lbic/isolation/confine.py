"""Confine a worker process to what reading and decoding need (docs/security.md)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lbic.system import entrypoints

VARIABLE = "LBIC_CONFINE"
"""The environment variable; 0 leaves worker processes unconfined."""

_PACKAGES = {
    name: f"{'pillow' if name == 'PIL' else name}.libs"
    for name in ("lbic", "numpy", "PIL", "av", "tifffile", "imagecodecs", "pillow_heif", "pillow_jxl")
}
"""The packages that read and decode, and the folders in which wheels keep their libraries."""
_LBIC = Path(__file__).parents[1]
_LIBRARIES = (
    *("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"),
    *("/nix/store", "/gnu/store", "/etc/ld.so.cache"),
)
"""Shared libraries of the system, and the loader's list of them."""
_OWN = "/proc/self/statm"
"""This process's use of memory (lbic/system/shortages.py)."""


def confine() -> int:
    """Take from this process all rights but to read the installed packages and libraries.

    Must run before the first thread is started, since others keep their rights. Returns the
    version of Landlock in force; 0 where the kernel has none or the variable says so.
    """
    if sys.platform != "linux" or os.environ.get(VARIABLE) == "0":
        return 0
    try:
        from lbic.system import landlock
    except ImportError:  # a Python without ctypes
        return 0
    return landlock.restrict(readable())


def readable() -> list[str]:
    """Return the files and folders that a worker process may read.

    They are Python's library, the folders that packages are installed in, the packages themselves
    and other codecs' packages where they lie elsewhere, and the system's shared libraries. The
    current folder and the other folders of PYTHONPATH are not among them: they may hold anything.
    """
    plugins = {entry.module.partition(".")[0] for entry in entrypoints.entries("lbic.codecs")}
    packages = _PACKAGES | {name: f"{name}.libs" for name in sorted(plugins)}
    names = [str(Path(os.__file__).parent), str(_LBIC)]
    names += [f"{prefix}/lib" for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)]
    for folder in filter(None, sys.path):
        if folder.endswith("-packages") or os.path.isfile(folder):  # a file is a zip file
            names.append(folder)
        else:
            for package, libraries in packages.items():
                if os.path.isdir(f"{folder}/{package}"):
                    names += [f"{folder}/{package}", f"{folder}/{libraries}"]
                elif os.path.isfile(f"{folder}/{package}.py"):
                    names.append(f"{folder}/{package}.py")
    names += os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    return [name for name in dict.fromkeys((*names, *_LIBRARIES, _OWN)) if name]
