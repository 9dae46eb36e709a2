"""Makes the fallback fonts: what BIZ UDPGothic lacks, cut out of Noto Sans CJK JP.

Usage: subset.py ORIGIN.ttc FONT_NUMBER BIZ.ttf OUT.otf

Kept: JIS X 0212 kanji, JIS X 0213 leftovers, U+20BB7 and its kind in family names, Latin letters of foreign names (Vietnamese),
and the symbols people type into notes. Everything BIZ UDPGothic already has is left out, so the text face never changes by accident.
Same fontTools version, same input: same bytes.
"""

import sys

from fontTools import subset
from fontTools.ttLib import TTFont

# Family-name kanji outside both JIS tables that registers are known to hold.
NAME_KANJI = {0x20BB7, 0x2363A}

# Latin Extended A/B, Vietnamese, punctuation to arrows and symbols, CJK symbols, squared words, presentation forms.
BLOCKS = [
    (0x00A0, 0x0250), (0x1E00, 0x1F00), (0x2000, 0x2C00), (0x3000, 0x3040),
    (0x3200, 0x321D), (0x3220, 0x3260), (0x3280, 0x3400), (0xFE30, 0xFE50),
]


def table(codec, rows):
    out = set()
    for row in rows:
        try:
            out |= set(map(ord, bytes(row).decode(codec)))
        except UnicodeDecodeError:
            pass
    return out


def wanted():
    lead = list(range(0x81, 0xA0)) + list(range(0xE0, 0xFD))
    jis_x_0213 = table("shift_jis_2004", [(a, b) for a in lead for b in range(0x40, 0xFD)])
    cells = range(0xA1, 0xFF)
    jis_x_0212 = table("euc_jp", [(0x8F, a, b) for a in cells for b in cells])
    blocks = {c for low, high in BLOCKS for c in range(low, high)}
    return jis_x_0213 | jis_x_0212 | NAME_KANJI | blocks


def main():
    origin, number, biz, out = sys.argv[1:]
    have = set(TTFont(biz, lazy=True).getBestCmap())
    font = TTFont(origin, fontNumber=int(number), recalcTimestamp=False)
    keep = sorted((wanted() & set(font.getBestCmap())) - have)
    options = subset.Options()
    options.layout_features = []
    options.name_IDs = ["*"]
    options.name_languages = [0x409]
    options.notdef_outline = True
    options.hinting = False
    options.desubroutinize = False
    options.drop_tables += ["GPOS", "GSUB", "GDEF", "BASE", "VORG", "vmtx", "vhea"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=keep)
    cutter.subset(font)
    font.save(out, reorderTables=True)
    print(len(keep))


if __name__ == "__main__":
    main()
