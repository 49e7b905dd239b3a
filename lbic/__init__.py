"""lbic makes photos very small and brings them back looking good.

    data = lbic.compress(image, q=37)       # PIL.Image -> bytes of a .lbic file
    image = lbic.decompress(data)           # bytes -> PIL.Image, enhanced as the file recommends
    facts = lbic.info(data)                 # the header, nothing decoded
    better = lbic.enhance(old_jpeg)         # networks on any damaged picture

After ``import lbic``, Pillow opens and saves .lbic files too (lbic.plugin).
"""

# The package comes before the function of its name: loaded later, it would take the function's place.
import lbic.enhance  # noqa: F401
from lbic import pillow_plugin as _plugin
from lbic.api import compress, decompress, enhance, info
from lbic.errors import LbicError
from lbic.format.container import Header
from lbic.version import __version__

_plugin.register()

__all__ = ["Header", "LbicError", "__version__", "compress", "decompress", "enhance", "info"]
