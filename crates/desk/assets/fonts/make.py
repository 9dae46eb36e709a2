"""Makes the screen's fonts from the Debian package fonts-morisawa-bizud-gothic: python3 make.py (fontTools 4.60.1, brotli).

BIZ UDPGothic is kept whole (all 11,741 characters, so that names, ◆ ○ ■ ▲ and the text around them are one face); only the
hinting is dropped, which screens of today do not use. Of BIZ UDGothic only the figures and Latin letters are cut out: they set
patient numbers and times in columns. Same fontTools, same input: same bytes. `fonts.toml` records their SHA-256.
"""

import pathlib

from fontTools import subset
from fontTools.ttLib import TTFont

ORIGIN = pathlib.Path("/usr/share/fonts/truetype/bizud-gothic")
LATIN = [*range(0x20, 0x7F), 0xA0, 0x2212, 0xFF0F]


def make(face, weight, out, unicodes, features):
    font = TTFont(ORIGIN / f"{face}-{weight}.ttf", recalcTimestamp=False)
    options = subset.Options()
    options.flavor = "woff2"
    options.hinting = False
    options.layout_features = features
    options.name_IDs = ["*"]
    options.notdef_outline = True
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=unicodes or sorted(font.getBestCmap()))
    cutter.subset(font)
    font.flavor = "woff2"
    font.save(pathlib.Path(__file__).with_name(out), reorderTables=True)


for weight in ("Regular", "Bold"):
    make("BIZUDPGothic", weight, f"BIZUDPGothic-{weight}.woff2", None, ["*"])
    make("BIZUDGothic", weight, f"BIZUDGothic-Latin-{weight}.woff2", LATIN, [])
