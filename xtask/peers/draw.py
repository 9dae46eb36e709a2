"""The usual F02 drawn with ReportLab, the way a program of a hospital would: boxes at their places, paragraphs that break lines.

    draw.py CHARTS.json FONTS OUT.pdf

Everything here is measured. The codes come worked out, as for the other peers.
"""

import json
import pathlib
import sys
from xml.sax.saxutils import escape

from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

HEIGHT = 297 * mm
FONTS = {"P": "BIZUDPGothic-Regular", "PB": "BIZUDPGothic-Bold", "M": "BIZUDGothic-Regular", "MB": "BIZUDGothic-Bold"}
MODULE = 72 / 75


def style(size, leading, **more):
    return ParagraphStyle("", fontName="P", fontSize=size, leading=leading, wordWrap="CJK", **more)


DRUG, FLOW, SECTION = style(9, 9.8, leftIndent=5 * mm), style(9, 10.9), style(9, 11, leftIndent=5.4 * mm)
FACTS, ALLERGY = style(9.5, 12), style(11, 13)


class Page:
    """One page being drawn; places are mm from the upper left corner."""

    def __init__(self, canvas):
        self.canvas = canvas

    def text(self, x, y, words, size=9, font="P", right=False):
        """`y` is the base line."""
        self.canvas.setFont(font, size)
        draw = self.canvas.drawRightString if right else self.canvas.drawString
        draw(x * mm, HEIGHT - y * mm, words)

    def rect(self, x, y, width, height, line=0.8):
        self.canvas.setLineWidth(line)
        self.canvas.rect(x * mm, HEIGHT - (y + height) * mm, width * mm, height * mm)

    def line(self, x1, y1, x2, y2, line=0.5):
        self.canvas.setLineWidth(line)
        self.canvas.line(x1 * mm, HEIGHT - y1 * mm, x2 * mm, HEIGHT - y2 * mm)

    def label(self, x, y, words, size, black):
        """A word in a box, in white on black or in black in a frame; gives where it ends."""
        width = pdfmetrics.stringWidth(words, "PB", size) / mm + 2.4
        self.canvas.setLineWidth(0.8)
        self.canvas.rect(x * mm, HEIGHT - (y + 1) * mm, width * mm, (size * 0.36 + 1.2) * mm, fill=black, stroke=not black)
        self.canvas.setFillGray(1 if black else 0)
        self.text(x + 1.2, y, words, size, "PB")
        self.canvas.setFillGray(0)
        return x + width

    def choice(self, x, y, words, size=9.5):
        self.rect(x, y - 3, 3.6, 3.6)
        self.text(x + 4.5, y, words, size)
        return x + 4.5 + pdfmetrics.stringWidth(words, "P", size) / mm + 2

    def choices(self, x, y, words):
        for word in words:
            x = self.choice(x, y, word)

    def flow(self, x, y, width, markup, kind):
        """A paragraph with its upper edge at `y`; gives its lower edge."""
        paragraph = Paragraph(markup, kind)
        _, height = paragraph.wrap(width * mm, 100 * mm)
        paragraph.drawOn(self.canvas, x * mm, HEIGHT - y * mm - height)
        return y + height / mm

    def modules(self, x, y, boxes, width, height):
        path = self.canvas.beginPath()
        for left, top, across in boxes:
            path.rect(x * mm + left * width, HEIGHT - y * mm - (top + 1) * height, across * width, height)
        self.canvas.drawPath(path, stroke=0, fill=1)

    def bars(self, centre, y, found, modules, height):
        left = centre - modules * MODULE / mm / 2
        self.modules(left, y, [(x, 0, n) for x, n in found], MODULE, height * mm)


def bold(words):
    return f'<font name="PB">{escape(words)}</font>'


def small(words):
    return f'<font size="7.5">{escape(words)}</font>'


def upper(page, sheet):
    who, body = sheet["strip"], sheet["body"]
    page.text(18, 15, "外来診療録（停止時）", 14, "PB")
    page.label(68, 14.8, sheet["title_mark"], 10, black=False)
    page.text(200, 14, sheet["hospital"], 8, right=True)
    page.rect(18, 17, 157, 21.8, 1.4)
    page.text(19.5, 22.6, who["kana"], 9.5)
    x = 21.5 + pdfmetrics.stringWidth(who["kana"], "P", 9.5) / mm
    for flag in who["flags"]:
        x = page.label(x, 22.6, flag, 9, black=True) + 2
    page.text(19.5, 31, who["name"], 20, "PB")
    page.text(19.5, 37, who["birth"], 10.5)
    page.text(78, 37, f"{who['age']}　{who['sex']}", 10.5, "PB")
    page.bars(154, 19, sheet["id_bars"], sheet["id_modules"], 8)
    page.text(138, 31.5, "患者番号", 7.5)
    page.text(151, 31.5, who["id"], 12, "MB")
    page.modules(180, 19.2, sheet["qr"], 20 * mm / sheet["qr_side"], 20 * mm / sheet["qr_side"])
    visit = body["visit"]
    page.text(18, 46.4, f"{body['date']}　{body['department']}　{body['doctor']} 医師", 10.5, "PB")
    page.text(150, 46.4, "受付", 7.5)
    page.text(157, 46.4, visit["number"], 13, "MB")
    page.text(171, 46.4, visit["time"], 10, "M")
    page.text(200, 46.4, visit["appointment"], 10, right=True)
    page.rect(18, 48.5, 182, 12.2, 1.6)
    page.rect(19, 49.5, 180, 10.2, 0.6)
    page.text(21, 54.3, "▲ アレルギー・禁忌 あり", 11, "PB")
    page.text(21, 58.4, body["allergy"]["note"], 7.5)
    page.flow(68, 51.4, 130, bold(" ／ ".join(body["allergy"]["items"])), ALLERGY)
    facts = [f"{small(fact['label'])} {bold(fact['value'])}{small('（' + fact['date'] + '）') if fact['date'] else ''}" for fact in body["facts"]]
    page.flow(18, 61.8, 182, "　".join(facts), FACTS)


def head(page, x, y, right_edge, words, aside):
    page.text(x, y + 3.2, words, 9, "PB")
    page.text(right_edge, y + 3.2, aside or "", 7.5, right=True)
    return y + 4.6


def left_panel(page, body):
    page.rect(18, 67.8, 89, 68.6)
    y = head(page, 20, 69.3, 105, "現在の処方", body["drugs"]["source"])
    for at, drug in enumerate(body["drugs"]["items"], 1):
        page.text(20, y + 3, str(at), 9, "M")
        page.text(105, y + 3, drug["days"], 9.5, "PB", right=True)
        end = 25 + pdfmetrics.stringWidth(drug["name"], "PB", 9.5) / mm
        if drug["tag"]:
            page.label(end + 1.2, y + 3, drug["tag"], 8, black=False)
        lines = f'<font name="PB" size="9.5">{escape(drug["name"])}</font><br/>{escape(drug["dose"])}　{escape(drug["usage"])}'
        if drug["comment"]:
            lines += f"<br/>※ {escape(drug['comment'])}"
        y = page.flow(20, y, 72, lines, DRUG) + 0.7
    sentences = [sentence for sentence in body["drugs"]["caution"].split("。") if sentence]
    page.text(20, y + 3.4, sentences[0], 7.5)
    return sentences[1:]


def result(one):
    reference = f" ({one['ref']})" if one["ref"] else ""
    return (f'<font size="8.5">{escape(one["name"])}</font> <font name="MB">{escape(one["value"])}</font> {bold(one["flag"] or "")} '
            + small(f"{one['unit'] or ''}{reference} {one['date'] or ''}"))


def right_panel(page, body):
    page.rect(109.5, 67.8, 90.5, 68.6)
    y = head(page, 111.5, 69.3, 198, "病名", "日付は初診日")
    diagnoses = [("［主］" if one["main"] else "") + bold(one["name"]) + ("の疑い" if one["suspected"] else "")
                 + f' <font size="8">{one["since"] or ""}</font>' for one in body["diagnoses"]["items"]]
    y = page.flow(111.5, y, 86.5, "　".join(diagnoses), FLOW) + 1
    page.line(111.5, y, 198, y)
    y = head(page, 111.5, y + 1, 198, "直近の検査", body["results"]["date"])
    y = page.flow(111.5, y, 86.5, "　".join(map(result, body["results"]["items"])), FLOW) + 1
    page.line(111.5, y, 198, y)
    note = body["last_note"]
    y = head(page, 111.5, y + 1, 198, "前回記録", f"{note['date']}　{note['author']}　{note['department']}")
    for section in note["sections"]:
        page.text(111.5, y + 3.2, section["label"], 9, "PB")
        y = page.flow(111.5, y, 86.5, escape(section["text"]).replace("\n", "<br/>"), SECTION) + 0.9


def lower(page, sheet, cautions):
    page.rect(18, 138.4, 182, 9.9)
    x = 18
    vitals = [("体温", "℃", 28), ("血圧", "/　　mmHg", 41), ("脈拍", "/分", 28), ("SpO2", "%", 25.5), ("体重", "kg", 28), ("測定時刻", "：", 31.5)]
    for at, (name, unit, width) in enumerate(vitals):
        if at:
            page.line(x, 138.4, x, 148.3)
        page.text(x + 1.4, 147, name, 7.5)
        page.text(x + width - 1.6, 147, unit, 8.5, right=True)
        x += width
    page.rect(18, 149.9, 182, 107, 1.2)
    page.line(135, 149.9, 135, 256.9)
    page.text(20, 154.4, "主訴・経過・所見・評価・計画", 9, "PB")
    page.text(133, 154.4, "手書き", 7.5, right=True)
    for at in range(11):
        page.line(20, 165.4 + 8.5 * at, 133, 165.4 + 8.5 * at, 0.2)
    for y in (177.9, 206.8, 244.2):
        page.line(135, y, 200, y)
    page.text(137, 154.4, "処方", 9, "PB")
    for at, sentence in enumerate(cautions):
        page.text(137, 158.2 + 3 * at, sentence, 7.5, "PB")
    page.choice(137, 163.5, "前回どおり（　　　）日分")
    page.choice(137, 169.6, "変更あり → 処方箋に記載")
    page.choice(137, 175.7, "処方なし")
    page.text(137, 182.4, "検査", 9, "PB")
    page.text(137, 187.4, "本日の予定（済んだら ✓）", 7.5)
    page.choices(137, 193.4, sheet["body"]["today_exams"])
    page.text(137, 198.5, "追加", 7.5)
    page.choices(137, 204.5, ["採血", "尿", "心電図", "X線"])
    page.text(137, 211, "処置・指示", 9, "PB")
    page.text(137, 248.6, "次回　　　月　　　日（　　）　　：", 9, "PB")
    page.choices(137, 254.8, ["採血", "心電図", "予約票を渡した"])


def foot(page, sheet):
    page.rect(42, 261.6, 158, 10.5)
    page.line(107, 261.6, 107, 272.1)
    page.line(134, 261.6, 134, 272.1)
    for x, words in ((43.6, "医師署名"), (108.6, "記載時刻"), (135.6, "事後入力")):
        page.text(x, 265, words, 7.5)
    page.text(120, 270.4, "：", 11)
    page.choices(135.6, 270.6, ["入力", "確認（別の人）", "医師承認"])
    page.modules(18, 265, sheet["qr"], 20 * mm / sheet["qr_side"], 20 * mm / sheet["qr_side"])
    page.text(42, 276.4, sheet["as_of"], 9, "PB")
    page.text(42, 280.4, sheet["seal"], 7.5)
    page.text(42, 284.4, f"F02 第1版　{sheet['issued']}", 7.5)
    page.text(147, 280, "1/1", 13, "MB")
    page.text(149, 284.4, "頁", 7.5)
    page.bars(179.2, 274.2, sheet["form_bars"], sheet["form_modules"], 7)
    page.text(164, 284.4, "帳票番号", 7.5)
    page.text(176, 284.4, sheet["form_id"], 7.5, "M")


def main():
    charts, fonts, out = (pathlib.Path(argument) for argument in sys.argv[1:])
    for name, file in FONTS.items():
        pdfmetrics.registerFont(TTFont(name, str(fonts / f"{file}.ttf")))
    canvas = Canvas(str(out), pagesize=(210 * mm, HEIGHT), pageCompression=1)
    for sheet in json.loads(charts.read_text(encoding="utf-8")):
        page = Page(canvas)
        upper(page, sheet)
        cautions = left_panel(page, sheet["body"])
        right_panel(page, sheet["body"])
        lower(page, sheet, cautions)
        foot(page, sheet)
        canvas.showPage()
    canvas.save()


main()
