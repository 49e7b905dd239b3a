"""A headless Chromium, driven through its debugging pipe: real mouse, touch and keys."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from PIL import Image

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""None where there is no Chromium."""

_OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
_SECONDS = 30


class Tab:
    """A page in the browser.

    ``events`` collects the browser's messages: log entries, exceptions, requests. A dialog fails.
    """

    def __init__(self, send: IO[bytes], receive: IO[bytes]) -> None:
        self._send, self._receive = send, receive
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._send.write(json.dumps(message).encode() + b"\0")
        self._send.flush()
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            assert answer.get("method") != "Page.javascriptDialogOpening", "a script that is not ours ran"
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        data = bytearray()
        while (byte := self._receive.read(1)) != b"\0":
            assert byte, "Chromium went away"
            data += byte
        return dict(json.loads(data))

    def open(self, page: Path, fragment: str = "", *, width: int = 800, height: int = 600, density: float = 1) -> None:
        """Open a file and wait until its viewer has drawn."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=density, mobile=False
        )
        self.call("Page.navigate", url="about:blank")
        self.events.clear()
        self.call("Page.navigate", url=f"{page.as_uri()}#{fragment}")
        self.wait("document.querySelector('#divider[aria-valuenow]') !== null")

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + _SECONDS
        while not self.run(condition):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.02)

    def centre(self, selector: str) -> tuple[float, float]:
        """Return the centre of an element in CSS pixels."""
        box = self.run(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        return box[0], box[1]

    def mouse(self, kind: str, at: tuple[float, float], **more: Any) -> None:
        """Send mousePressed, mouseMoved, mouseReleased or mouseWheel, with the left button."""
        x, y = at
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1, **more)

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'nearest'}})")
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, self.centre(selector))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.mouse("mousePressed", start)
        self.mouse("mouseMoved", ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        self.mouse("mouseMoved", end)
        self.mouse("mouseReleased", end)

    def swipe(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag with one finger."""
        for kind, points in (("touchStart", [start]), ("touchMove", [end]), ("touchEnd", [])):
            touches = [{"x": x, "y": y} for x, y in points]
            self.call("Input.dispatchTouchEvent", type=kind, touchPoints=touches)

    def key(self, kind: str, key: str) -> None:
        """Send keyDown or keyUp."""
        self.call("Input.dispatchKeyEvent", type=kind, key=key)

    def press(self, key: str) -> None:
        self.key("keyDown", key)
        self.key("keyUp", key)

    def screenshot(self) -> Image.Image:
        """Return what is on the screen."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


@contextmanager
def tab(profile: Path) -> Iterator[Tab]:
    """Start a browser with its files in ``profile`` and yield a tab; the
    browser ends afterwards.
    """
    assert PROGRAM
    commands, results = os.pipe(), os.pipe()
    # Chromium reads from descriptor 3 and writes to 4; only a shell can assign these numbers.
    command = f'exec "$0" "$@" 3<&{commands[0]} 4>&{results[1]}'
    arguments = (*_OPTIONS, f"--user-data-dir={profile}", "--remote-debugging-pipe")
    with (profile / "log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command, PROGRAM, *arguments], pass_fds=(commands[0], results[1]), stdout=log, stderr=log
        )
    os.close(commands[0])
    os.close(results[1])
    watchdog = threading.Timer(5 * _SECONDS, process.kill)
    watchdog.start()
    try:
        with os.fdopen(commands[1], "wb") as send, os.fdopen(results[0], "rb") as receive:
            yield Tab(send, receive)
    finally:
        watchdog.cancel()
        process.terminate()
        process.wait(_SECONDS)
