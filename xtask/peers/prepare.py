"""The morning's sheets as pages for other typesetters: one HTML file, and one JSON file for a program that draws.

    prepare.py SHEETS.jsonl OUT_FOLDER

Reads what `morning … json` wrote. Nothing here is measured: QR and bar codes are worked out and the HTML is written before
the clock starts, so the peers are only charged for setting the pages. It knows the usual F02 only (everything that these
sheets have in them) and stops at anything else.
"""

import base64
import html
import json
import pathlib
import struct
import sys
import zlib

import barcode
import segno

from page import PARTS, heading_words

STYLE = pathlib.Path(__file__).with_name("page.css")

def qr_runs(text):
    """The dark runs of the code's rows: [x, y, length] in modules, and the modules of a side."""
    code = segno.make(text, error="q", micro=False, boost_error=False)
    rows = [[bool(cell) for cell in row] for row in code.matrix]
    return [[x, y, n] for y, row in enumerate(rows) for x, n in runs(row)], len(rows)


def bar_runs(text):
    """The bars: [x, length] in modules, and the modules in all."""
    [modules] = barcode.Code128(text).build()
    return [list(run) for run in runs([module == "1" for module in modules])], len(modules)


def runs(cells):
    start = None
    for x, dark in enumerate([*cells, False]):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            yield start, x - start
            start = None


def worked_out(line):
    """One line of the export, with its codes."""
    record = json.loads(line)
    sheet = record["sheet"]
    body = sheet["body"]
    if sheet["form"] != "F02" or sheet["drill"] or sheet["strip"] is None or body["typed_notes"]:
        raise SystemExit(f"not a usual F02: {sheet['form_id']}")
    for name in ("allergy", "drugs", "diagnoses", "results", "last_note"):
        if body[name]["state"] != "known":
            raise SystemExit(f"{name} of {sheet['form_id']} is {body[name]['state']}: the peers' page has no words for that")
    sheet["qr"], sheet["qr_side"] = qr_runs(record["code"])
    sheet["id_bars"], sheet["id_modules"] = bar_runs(sheet["strip"]["id_code"])
    sheet["form_bars"], sheet["form_modules"] = bar_runs(sheet["form_id"])
    return sheet


def picture(rows, width, height, kind):
    """The rows as a picture of one dot a module in black and white, as large as it says (mm): the least a browser can be given."""
    packed = b"".join(b"\0" + bytes(int("".join("01"[not dark] for dark in row[x:x + 8]).ljust(8, "0"), 2) for x in range(0, len(row), 8))
                      for row in rows)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", len(rows[0]), len(rows), 1, 0, 0, 0, 0)), (b"IDAT", zlib.compress(packed)), (b"IEND", b"")]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks)
    return (f'<img class="{kind}" style="width:{width}mm;height:{height}mm" alt="" '
            f'src="data:image/png;base64,{base64.b64encode(png).decode()}">')


def drawn(found, side):
    rows = [[False] * side for _ in range(1 + max(y for _, y, _ in found))]
    for x, y, n in found:
        rows[y][x:x + n] = [True] * n
    return rows


def page(sheet):
    text = {key: html.escape(str(value)) for key, value in sheet.items() if isinstance(value, (str, int))}
    text["qr"] = picture(drawn(sheet["qr"], sheet["qr_side"]), 20, 20, "qr")
    text["id_bars"] = bars(sheet["id_bars"], sheet["id_modules"], 8)
    text["form_bars"] = bars(sheet["form_bars"], sheet["form_modules"], 7)
    return "<section>" + "".join(part(sheet, text) for part in PARTS) + "</section>\n"


def bars(found, modules, height):
    return picture(drawn([(x, 0, n) for x, n in found], modules), round(modules * 25.4 / 75, 3), height, "bars")


def main():
    sheets_file, out = (pathlib.Path(argument) for argument in sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    with sheets_file.open(encoding="utf-8") as lines:
        sheets = [worked_out(line) for line in lines]
    head = (f'<!DOCTYPE html><html lang="ja"><head><meta charset="utf-8"><title>{heading_words(sheets)}</title>'
            f"<style>{STYLE.read_text(encoding='utf-8')}</style></head><body>\n")
    text = head + "".join(map(page, sheets)) + "</body></html>\n"
    (out / "charts.html").write_text(text, encoding="utf-8")
    # Debian's wkhtmltopdf (Qt as it comes, unpatched) sets a millimetre at 0.77 and does not listen to --zoom.
    (out / "charts-wk.html").write_text(text.replace("<body>", '<body style="zoom: 1.3028">', 1), encoding="utf-8")
    (out / "charts.json").write_text(json.dumps(sheets, ensure_ascii=False), encoding="utf-8")


main()
