"""Debian's Chromium without a window, driven over a pipe by the DevTools protocol; it reaches no network."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)
WAIT_S = 120.0


def found():
    """The browser's path; None where there is none."""
    return shutil.which("chromium")


def is_load(event, loader):
    """Whether an event says that a page is loaded: this one, for that before it may say so late."""
    said = event.get("params", {})
    return event.get("method") == "Page.lifecycleEvent" and (said["name"], said["loaderId"]) == (
        "load",
        loader,
    )


class Chromium:
    """One browser with one tab."""

    def __init__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # The protocol is spoken on the descriptors 3 and 4.
        plumbing = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        command = [found(), *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", plumbing, "chromium", *command],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._rest = b""
        self._number = 0
        self._session = None
        self.events = []
        self._origin = "nowhere"
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self(f"{domain}.enable")
        self("Page.setLifecycleEventsEnabled", enabled=True)

    def __call__(self, method, **parameters):
        """Ask for something and return the answer."""
        self._number += 1
        said = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            said["sessionId"] = self._session
        os.write(self._out, json.dumps(said).encode() + b"\0")
        while (heard := self._hear()).get("id") != self._number:
            self.events.append(heard)
        if "error" in heard:
            raise RuntimeError(f"{method}: {heard['error']['message']}")
        return heard["result"]

    def _hear(self):
        ends_s = time.monotonic() + WAIT_S
        while b"\0" not in self._rest:
            if not select.select([self._in], [], [], max(ends_s - time.monotonic(), 0.0))[0]:
                raise TimeoutError(f"chromium said nothing for {WAIT_S:.0f} s")
            more = os.read(self._in, 1 << 20)
            if not more:
                raise RuntimeError("chromium has ended")
            self._rest += more
        said, _, self._rest = self._rest.partition(b"\0")
        return json.loads(said)

    def open(self, path, width, height):
        """Show a file in a window of that size, and wait until every plot is drawn."""
        self.visit(Path(path).as_uri(), width, height)

    def visit(self, url, width, height, *, dark=False):
        """Show an address in a window of that size, and wait until it is drawn."""
        self._go("about:blank")  # what the page before this one still tells is not about this one
        self.events.clear()
        self._origin = url if url.startswith("http:") else "nowhere"
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self("Emulation.setEmulatedMedia", features=[scheme])
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
             mobile=width < 600)  # fmt: skip
        self._go(url)
        self.run("window.drawn")
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def _go(self, url):
        """Load a page, and wait until it says so."""
        loader = self("Page.navigate", url=url)["loaderId"]
        while not any(is_load(event, loader) for event in self.events):
            self.events.append(self._hear())

    def run(self, script):
        """The value of an expression, waited for if it is a promise."""
        answer = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", "failed"))
        return answer["result"].get("value")

    def complaints(self):
        """Everything that went wrong since the file was opened: errors, warnings, requests to anywhere."""
        told = []
        for event in self.events:
            method, said = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                told.append(said["exceptionDetails"].get("text", "") + str(said["exceptionDetails"]))
            elif method == "Log.entryAdded" and said["entry"]["level"] in {"error", "warning"}:
                told.append(said["entry"]["text"])
            elif method == "Runtime.consoleAPICalled" and said["type"] in {"error", "warning", "assert"}:
                told.append(str(said["args"]))
            elif method == "Network.requestWillBeSent":
                url = said["request"]["url"]
                if not url.startswith(("file:", "data:", "blob:", self._site())):
                    told.append(f"asked for {url}")
        return told

    def _site(self):
        """The address of the page's own server."""
        return "/".join(self._origin.split("/")[:3])

    def click(self, selector):
        """Click in the middle of an element with the mouse, as somebody does, after it was scrolled to."""
        place = self.run(
            f"(() => {{ const each = document.querySelector({json.dumps(selector)});"
            " each.scrollIntoView({block: 'center', behavior: 'instant'});"
            " const {left, top, width, height} = each.getBoundingClientRect();"
            " return [left + width / 2, top + height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def write(self, selector, text):
        """Click into a field and write."""
        self.click(selector)
        self("Input.insertText", text=text)

    def until(self, script, within_s=60.0):
        """Wait until an expression is true, also while another page is being loaded; return its value."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                value = self.run(script)
                if value or value == {}:  # an element has no value
                    return value
            except RuntimeError:
                value = "the page was not there"
            if time.monotonic() > deadline:
                raise AssertionError(f"not so in {within_s:.0f} s: {script} is {value!r}")
            time.sleep(0.05)

    def png(self):
        """The whole page as a PNG."""
        size = self("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        taken = self("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(taken["data"])

    def screenshot(self):
        """The whole page as an array of height x width x 3 bytes."""
        size = self("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        taken = self("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip,
                     optimizeForSpeed=True)  # fmt: skip
        return pixels(base64.b64decode(taken["data"]))

    def close(self):
        """End the browser."""
        try:
            self._session = None
            self("Browser.close")
            self._process.wait(20)
        except (OSError, RuntimeError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        for each in (self._in, self._out):
            os.close(each)
        self._profile.cleanup()


def pixels(png):
    """The pixels of a PNG of 8 bits a channel (RFC 2083), without transparency."""
    place, data, header = 8, b"", b""
    while place < len(png):
        length, kind = int.from_bytes(png[place : place + 4], "big"), png[place + 4 : place + 8]
        body = png[place + 8 : place + 8 + length]
        header, data = (body, data) if kind == b"IHDR" else (header, data + body * (kind == b"IDAT"))
        place += 12 + length
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    channels = {2: 3, 6: 4}[header[9]]
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + width * channels)
    image = np.zeros((height, width, channels), np.uint8)
    above = np.zeros((width, channels), np.uint8)
    for number, row in enumerate(rows):
        image[number] = above = unfiltered(int(row[0]), row[1:].reshape(width, channels), above)
    return image[:, :, :3]


def unfiltered(kind, row, above):
    """One line of a PNG as it was before it was filtered."""
    if kind == 0:
        return row
    if kind == 1:
        return np.cumsum(row, axis=0, dtype=np.uint8)
    if kind == 2:
        return row + above
    raise ValueError(f"a screenshot made for speed has no line of kind {kind}")
