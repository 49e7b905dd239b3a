"""Many pictures on a Ray cluster (the extra ``ray``), for when one machine is not enough.

    from lbic.batch import Compressor, compress_many
    for path, done in compress_many(paths, Compressor(CompressSettings(quality=37)), "ray://10.0.0.5:10001"):
        ...  # done is a Compressed, or the LbicError that says why not

``lbic compress --ray`` does the same with files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from lbic import apart, cluster, image, pipeline
from lbic.errors import LbicError
from lbic.fileio import Source
from lbic.limits import MAX_PIXELS
from lbic.pipeline import Compressed, CompressSettings
from lbic.rate import target
from lbic.rate.trials import Target


@dataclass(frozen=True)
class Compressor:
    """A picture file's bytes -> a .lbic file, the same here and on any machine that it is sent to.

    ``wanted`` is a target by its name (size, bpp or psnr) and value, reached at the best of ``scales`` (sixteenths);
    without one the settings alone count. ``flatten`` is the colour, RGB 0..255, that pictures with alpha are put on.
    ``apart`` has the file read in another process (lbic/apart.py), as the command line does.
    """

    settings: CompressSettings = field(default_factory=CompressSettings)
    wanted: tuple[str, float] | None = None
    scales: tuple[int, ...] = target.SCALES
    max_pixels: int = MAX_PIXELS
    flatten: tuple[int, int, int] | None = None
    apart: bool = False

    def __call__(self, data: bytes) -> Compressed:
        """Raises as image.load (apart.load), pipeline.compress and rate.target.compress do."""
        load = apart.load if self.apart else image.load
        picture = load(data, max_pixels=self.max_pixels, keep_icc="icc" in self.settings.keep)
        if self.flatten:
            picture = picture.flattened(self.flatten)
        if self.wanted is None:
            return pipeline.compress(picture, self.settings)
        goal = Target.of(*self.wanted, picture.image.width * picture.image.height)
        return target.compress(picture, self.settings, goal, self.scales)


def compress_many(
    paths: Iterable[str | Path], compressor: Compressor, address: str, *, in_flight: int | None = None
) -> Iterator[tuple[Path, Compressed | LbicError]]:
    """Compress picture files on the Ray cluster at ``address`` (cluster.connect says which there are).

    Yields each path with its result or its failure, in their order; paths are taken as they are needed. At most
    ``in_flight`` pictures (None: two for each CPU of the cluster) are read and not yet yielded. Nothing is written.
    Raises MissingError when there is no such cluster, or when its machines lack this lbic or the encoder.
    """
    with cluster.connect(address) as connected:
        connected.check(compressor.settings.codec)

        def compress(path: Path) -> tuple[Path, Compressed | LbicError]:
            try:
                return path, connected.compress(compressor, Source(str(path.absolute())).read())
            except LbicError as error:
                return path, error

        most = in_flight or connected.in_flight
        waiting: deque[Future[tuple[Path, Compressed | LbicError]]] = deque()
        with ThreadPoolExecutor(most) as pool:
            try:
                for path in paths:
                    if len(waiting) == most:
                        yield waiting.popleft().result()
                    waiting.append(pool.submit(compress, Path(path)))
                while waiting:
                    yield waiting.popleft().result()
            finally:
                connected.end()  # a caller that stops early does not wait for the rest
