"""lbic makes photos very small and brings them back looking good.

    data = lbic.compress(image, q=37)       # PIL.Image -> bytes of a .lbic file
    image = lbic.decompress(data)           # bytes -> PIL.Image, enhanced as the file recommends
    header = lbic.info(data)                # the header; nothing is decoded
    better = lbic.enhance(old_jpeg)         # networks on any picture that a codec damaged

After ``import lbic``, Pillow opens and saves .lbic files too (lbic.pillow_plugin).
"""

# Importing the package lbic.enhance sets its name; the function of that name replaces it below.
import lbic.enhance  # noqa: F401
from lbic import pillow_plugin as _plugin
from lbic.api import compress, decompress, enhance, info
from lbic.errors import LbicError
from lbic.format.container import Header
from lbic.version import __version__

_plugin.register()

__all__ = ["Header", "LbicError", "__version__", "compress", "decompress", "enhance", "info"]
