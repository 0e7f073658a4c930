"""Makes the pictures of reports in docs/images with a headless Chromium: ``python docs/screenshots.py``."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
DIGITS = ROOT / "examples" / "01_digits" / "net.pt"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"none of {', '.join(BROWSERS)} is installed")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for chip in ("loihi2", "loihi"):
            _neurocomp("compile", str(DIGITS), "--chip", chip, "-q", "-o", str(work / chip))
        _neurocomp("report", str(work / "loihi2"), str(work / "loihi"), "-q", "-o", str(work / "both"))
        _shoot(browser, work / "loihi2" / "report.html", "report.png", (1040, 900))
        _shoot(browser, work / "both" / "report.html", "side_by_side.png", (1040, 560))


def _neurocomp(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "neurocomp", *words], check=True)


def _shoot(browser: str, page: Path, name: str, size: tuple[int, int]) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={size[0]},{size[1]}"]
    target = IMAGES / name
    subprocess.run([browser, *options, f"--screenshot={target}", page.as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    main()
