"""Makes the pictures of README and docs in docs/images with a headless Chromium.

    python docs/screenshots.py [reports] [sweeps]

Pages are written by the commands that the documents name and photographed as they are; figures of sweeps are those of
their pages. Without a browser it says so and changes nothing.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
DIGITS = ROOT / "examples" / "01_digits" / "net.pt"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DESKTOP, PHONE = 1100, 400
FRAME = (
    '<body style="margin:0"><iframe src="{page}" style="width:{width}px;height:{height}px;border:0"></iframe></body>'
)
SWEEPS = {  # example: picture, the figure's caption begins with
    "02_which_chip": ("which_chip.png", "energy_pj and latency_ns"),
    "03_cores_and_mesh": ("cores_and_mesh.png", "Mean latency_ns"),
    "04_weight_bits": ("weight_bits.png", "energy_pj and accuracy"),
    "05_training_array": ("training_array.png", "sample_ns and sample_energy_pj"),
}


class Camera:
    """Photographs pages. work: a folder for what lies in between."""

    def __init__(self, browser: str, work: Path) -> None:
        self.browser, self.work = browser, work

    def shoot(self, page: Path, name: str, width: int, height: int) -> None:
        """A page at a width; windows cannot be as narrow as phones, so that these get a frame."""
        if width < 600:
            framed = self.work / "frame.html"
            framed.write_text(FRAME.format(page=page.as_uri(), width=width, height=height), "utf-8")
            page = framed
        options = [
            "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
            "--allow-file-access-from-files", f"--window-size={width},{height}", f"--screenshot={IMAGES / name}",
        ]  # fmt: skip
        subprocess.run([self.browser, *options, page.as_uri()], check=True, capture_output=True)
        sys.stdout.write(f"docs/images/{name}\n")

    def shoot_figure(self, page: Path, caption: str, name: str) -> None:
        """One figure of a page, by the beginning of its caption."""
        text = page.read_text("utf-8")
        figures = re.findall(r"<figure[^>]*><div>(<svg.*?</svg>)</div><figcaption>(.*?)</figcaption>", text, re.DOTALL)
        svg = next(drawn for drawn, said in figures if html.unescape(said).startswith(caption))
        style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
        alone = self.work / "figure.html"
        drawn = re.sub(r"max-width:[0-9]+px", "width:696px", svg, count=1)
        body = f'<body style="padding:12px;max-width:none">{drawn}</body>'
        alone.write_text(f'<meta charset="utf-8"><style>{style[1] if style else ""}</style>{body}', "utf-8")
        wide, high = (float(side) for side in re.findall(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', svg)[0])
        self.shoot(alone, name, 720, round((720 - 24) * high / wide) + 24)


def reports(camera: Camera) -> None:
    work = camera.work
    for chip in ("loihi2", "loihi"):
        _neurocomp("compile", str(DIGITS), "--chip", chip, "-q", "-o", str(work / chip))
    _neurocomp("report", str(work / "loihi2"), str(work / "loihi"), "-q", "-o", str(work / "both"))
    page = work / "loihi2" / "report.html"
    camera.shoot(page, "report.png", DESKTOP, 900)
    camera.shoot(page, "report_phone.png", PHONE, 900)
    camera.shoot(work / "both" / "report.html", "side_by_side.png", DESKTOP, 560)


def sweeps(camera: Camera) -> None:
    for example, (name, caption) in SWEEPS.items():
        folder = camera.work / example
        _neurocomp("sweep", str(ROOT / "examples" / example / "space.yaml"), "-q", "-o", str(folder))
        camera.shoot_figure(folder / "sweep.html", caption, name)


JOBS: dict[str, Callable[[Camera], None]] = {"reports": reports, "sweeps": sweeps}


def main(names: list[str]) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.stdout.write(f"no pictures were made: none of {', '.join(BROWSERS)} is installed\n")
        return
    unknown = [name for name in names if name not in JOBS]
    if unknown:
        sys.exit(f"there is nothing called {unknown[0]} to photograph; {', '.join(JOBS)}")
    with tempfile.TemporaryDirectory() as folder:
        camera = Camera(browser, Path(folder))
        for name in names or JOBS:
            JOBS[name](camera)


def _neurocomp(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "neurocomp", *words], check=True, cwd=ROOT)


if __name__ == "__main__":
    main(sys.argv[1:])
