"""The usual F02 as HTML, in the order of the page: each part takes the sheet and its texts (already escaped) and gives HTML.

Words and order are those of `forms/F02/form.typ` and `crates/press/frame.typ`; places and sizes stand in `page.css`. It
deliberately uses nothing that a browser of 2012 does not know (no flex, no grid): one file for three typesetters.
"""

from html import escape

BOX = '<i class="tick"></i>'


def box(name, content):
    return f'<div class="at {name}">{content}</div>'


def value(record, key):
    """What stands under the key, escaped; an empty text where it is absent or null."""
    found = record.get(key)
    return "" if found is None else escape(str(found))


def choice(word):
    return f'<span class="whole">{BOX} {word}</span>'


def heading_words(sheets):
    return f"外来診療録（停止時） {len(sheets)}"


def title(sheet, text):
    return (box("title", f'外来診療録（停止時）<b class="boxed">{text["title_mark"]}</b>')
            + box("hospital", text["hospital"]))


def strip(sheet, _):
    who = sheet["strip"]
    flags = "".join(f'<b class="reversed">{escape(flag)}</b>' for flag in who["flags"])
    return box("strip", f'<div class="kana">{value(who, "kana")} {flags}</div><div class="name">{value(who, "name")}</div>'
               f'<div class="birth">{value(who, "birth")}　<b>{value(who, "age")}</b>　<b>{value(who, "sex")}</b></div>')


def number(sheet, text):
    return box("number", f'{text["id_bars"]}<div><small>患者番号</small> <b class="mono">{value(sheet["strip"], "id")}</b></div>')


def upper_code(_, text):
    return box("upper-code", text["qr"])


def first_line(sheet, _):
    body = sheet["body"]
    visit = body["visit"]
    return (box("visit-of", f'{value(body, "date")}　{value(body, "department")}　{value(body, "doctor")} 医師')
            + box("visit", f'<small>受付</small> <b class="mono">{value(visit, "number")}</b> '
                  f'<span class="mono">{value(visit, "time")}</span> {value(visit, "appointment")}'))


def allergy(sheet, _):
    panel = sheet["body"]["allergy"]
    items = " ／ ".join(escape(item) for item in panel["items"])
    sign = '<svg width="4.6mm" height="4.1mm" viewBox="0 0 46 41"><path d="M0 41L23 0L46 41zM20 12h6v15h-6zM21 30h4v5h-4z" fill-rule="evenodd"/></svg>'
    return box("allergy", f'<div class="inner"><div class="state">{sign} アレルギー・禁忌 あり<small>{value(panel, "note")}</small></div>'
               f'<div class="what">{items}</div></div>')


def facts(sheet, _):
    def one(fact):
        date = f'<small>（{value(fact, "date")}）</small>' if fact.get("date") else ""
        return f'<span class="whole"><small>{value(fact, "label")}</small> <b>{value(fact, "value")}</b>{date}</span>'
    return box("facts", "　 ".join(one(fact) for fact in sheet["body"]["facts"]))


def aside(left, right):
    return f'<div class="head"><span class="right">{right}</span><b>{left}</b></div>'


def cautions(panel):
    return [sentence for sentence in (panel.get("caution") or "").split("。") if sentence]


def drugs(sheet, _):
    panel = sheet["body"]["drugs"]
    parts = [aside("現在の処方", value(panel, "source"))]
    for at, drug in enumerate(panel["items"], 1):
        tag = f'<b class="tag">{value(drug, "tag")}</b>' if drug.get("tag") else ""
        comment = f'<br>※ {value(drug, "comment")}' if drug.get("comment") else ""
        parts.append(f'<div class="drug"><i class="mono count">{at}</i><b class="right">{value(drug, "days")}</b><b>{value(drug, "name")}</b> {tag}<br>'
                     f'<span class="whole">{value(drug, "dose")}</span>　<span class="whole">{value(drug, "usage")}</span>{comment}</div>')
    parts.append(f"<small>{escape(cautions(panel)[0])}</small>")
    return box("drugs panel", "".join(parts))


def diagnosis(one):
    main = '<b class="tag">主</b> ' if one["main"] else ""
    suspected = "の疑い" if one["suspected"] else ""
    return f'<span class="whole">{main}<b>{value(one, "name")}</b>{suspected} <span class="s8">{value(one, "since")}</span></span>'


def result(one):
    reference = f' ({value(one, "ref")})' if one.get("ref") else ""
    return (f'<span class="whole"><span class="s85">{value(one, "name")}</span> <b class="mono">{value(one, "value")} </b><b>{value(one, "flag")}</b> '
            f'<small>{value(one, "unit")}{reference} {value(one, "date")}</small></span>')


def right_panel(sheet, _):
    body = sheet["body"]
    note = body["last_note"]
    parts = [aside("病名", "日付は初診日"), '<div class="flow">' + "　 ".join(map(diagnosis, body["diagnoses"]["items"])) + "</div>",
             '<hr>', aside("直近の検査", value(body["results"], "date")),
             '<div class="flow">' + "　 ".join(map(result, body["results"]["items"])) + "</div>",
             "<hr>", aside("前回記録", "　".join(value(note, key) for key in ("date", "author", "department")))]
    for section in note["sections"]:
        lines = escape(section["text"]).replace("\n", "<br>")
        parts.append(f'<div class="section"><b class="label">{value(section, "label")}</b>{lines}</div>')
    return box("chart panel", "".join(parts))


def vitals(_sheet, _text):
    names = [("体温", ["℃"]), ("血圧", ["/", "mmHg"]), ("脈拍", ["/分"]), ("SpO<sub>2</sub>", ["%"]), ("体重", ["kg"]), ("測定時刻", [":", ""])]
    cells = "".join(f'<td class="v{at}"><small>{name}</small><span class="right">{"　　".join(units)}</span></td>' for at, (name, units) in enumerate(names))
    return box("vitals", f"<table><tr>{cells}</tr></table>")


def writing(sheet, _):
    body = sheet["body"]
    rules = "".join(f'<div class="rule" style="top:{14 + 8.5 * at}mm"></div>' for at in range(11))
    left = f'<div class="hand"><span class="right"><small>手書き</small></span><b class="s9">主訴・経過・所見・評価・計画</b>{rules}</div>'
    exams = " ".join(choice(escape(exam)) for exam in body["today_exams"])
    rest = "".join(f'<div class="small-bold">{escape(sentence)}</div>' for sentence in cautions(body["drugs"])[1:])
    right = (f'<div class="order o1"><b>処方</b>{rest}{choice("前回どおり")}（　　　）日分<br>{choice("変更あり → 処方箋に記載")}<br>{choice("処方なし")}</div>'
             f'<div class="order o2"><b>検査</b><br><small>本日の予定（済んだら ✓）</small><br>{exams}<br><small>追加</small><br>'
             + " ".join(map(choice, ["採血", "尿", "心電図", "X線"])) + "</div>"
             + '<div class="order o3"><b>処置・指示</b></div>'
             + f'<div class="order o4"><b>次回</b>　　　月　　　日（　　）　　：<br>{" ".join(map(choice, ["採血", "心電図", "予約票を渡した"]))}</div>')
    return box("writing", left + right)


def foot(_sheet, _text):
    after = " ".join(map(choice, ["入力", "確認（別の人）", "医師承認"]))
    return box("signed", '<table><tr><td><small>医師署名</small></td><td class="t"><small>記載時刻</small><br><span class="colon">：</span></td>'
               f'<td class="a"><small>事後入力</small><br>{after}</td></tr></table>')


def last_lines(sheet, text):
    return (box("lower-code", text["qr"])
            + box("as-of", f'<b>{text["as_of"]}</b><br>{text["seal"]}<br>F02 第1版　{text["issued"]}')
            + box("page-of", '<b class="mono">1/1</b><br><small>頁</small>')
            + box("form-number", f'{text["form_bars"]}<br>帳票番号 <span class="mono">{text["form_id"]}</span>'))


PARTS = [title, strip, number, upper_code, first_line, allergy, facts, drugs, right_panel, vitals, writing, foot, last_lines]
