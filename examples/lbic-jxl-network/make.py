"""Make the network of this package: python make.py FOLDER_OF_PICTURES.

It is one linear convolution of 7x7 pixels from RGB to RGB, added to the picture: the Wiener filter
of pictures that JPEG XL has coded, fitted by least squares. It needs no training and takes 2 kB.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from lbic import pipeline
from lbic.enhance.types import NONE

FOLDER = Path(__file__).parent / "lbic_jxl_network"
FILE = "jxl-filter.onnx"
QUALITIES = (10, 20, 30, 40, 50)
RADIUS = 3
CROP = 384
"""Pixels of a side of the pictures' middles, which are used."""


def features(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 3 * 7 * 7 samples around each pixel, from (height, width, 3)."""
    side = 2 * RADIUS + 1
    padded = np.pad(samples, ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    return windows.reshape(-1, 3 * side * side)


def fit(paths: list[Path]) -> NDArray[np.float32]:
    """Return the kernel, (3, 3, 7, 7) float32."""
    count = 3 * (2 * RADIUS + 1) ** 2
    products, moments = np.zeros((count, count)), np.zeros((count, 3))
    for index, path in enumerate(paths):
        picture = Image.open(path).convert("RGB")
        left, top = ((side - min(side, CROP)) // 2 for side in picture.size)
        picture = picture.crop((left, top, min(left + CROP, picture.width), min(top + CROP, picture.height)))
        quality = QUALITIES[index % len(QUALITIES)]
        settings = pipeline.CompressSettings(codec="jxl", quality=quality, type=NONE)
        coded = np.asarray(pipeline.decompress(pipeline.compress(picture, settings).data).image) / 255
        around = features(coded)
        products += around.T @ around
        moments += around.T @ (np.asarray(picture) / 255 - coded).reshape(-1, 3)
    regular = 1e-7 * products.trace() / count * np.eye(count)
    kernel = np.linalg.solve(products + regular, moments).T.reshape(3, 3, 2 * RADIUS + 1, -1)
    return kernel.astype(np.float32)


def network(kernel: NDArray[np.float32]) -> bytes:
    """Return the ONNX file: clip(picture + convolution(picture)), the edges repeated."""
    pads = np.array([0, 0, RADIUS, RADIUS] * 2, np.int64)
    nodes = [
        helper.make_node("Pad", ["in", "pads"], ["padded"], mode="edge"),
        helper.make_node("Conv", ["padded", "kernel"], ["change"]),
        helper.make_node("Add", ["in", "change"], ["sum"]),
        helper.make_node("Clip", ["sum", "low", "high"], ["out"]),
    ]
    values = {"pads": pads, "kernel": kernel, "low": np.float32(0), "high": np.float32(1)}
    graph = helper.make_graph(
        nodes,
        "jxl-filter",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def main() -> None:
    """Fit the network to the pictures of a folder; write it and its manifest."""
    paths = sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_file())
    data = network(fit(paths))
    row = {
        "name": "jxl-filter",
        "file": FILE,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "role": "nr",
        "network": "Wiener filter",
        "profile": "fast",
        "channels": 3,
        "halo": RADIUS,
        "multiple": 1,
        "quality_plane": False,
        "codecs": ["jxl"],
        "scales": [16],
        "quality": [min(QUALITIES), max(QUALITIES)],
        "trained_on": f"the middles of {len(paths)} photos",
        "licence": "MIT",
    }
    defaults = [{"codec": "jxl", "scale": 16, "type": 1}]
    (FOLDER / FILE).write_bytes(data)
    (FOLDER / "manifest.json").write_text(json.dumps({"models": [row], "defaults": defaults}, indent=2) + "\n")


if __name__ == "__main__":
    main()
