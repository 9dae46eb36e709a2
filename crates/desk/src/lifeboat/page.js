// The page that opens a downtime copy: no network, nothing kept, one chart decrypted at a time.
//
// It deliberately computes nothing about the data: what stands in the panels was written by the same code as the desk's.
"use strict";
(() => {
  const IDLE = 180_000;
  const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const GROUPS = 20;
  const byId = (id) => document.getElementById(id);
  const words = JSON.parse(byId("words").textContent);
  const headText = byId("head").textContent;
  const head = JSON.parse(headText);
  const sealed = byId("sealed").textContent.trim().split("\n");
  let lang = "ja";
  let key = null;
  let rows = [];
  let byBed = false;
  let shown = null;
  let from = -1;
  let touched = Date.now();

  const word = (name) => words[lang][name] ?? name;
  const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const utf8 = (text) => new TextEncoder().encode(text);

  /** An element; text goes in as text, never as HTML. */
  function make(tag, name, ...inside) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.append(...inside.filter((part) => part !== null && part !== undefined));
    return element;
  }

  /** The 20 characters of the passphrase, or null when they cannot be those of any paper. */
  function read(typed) {
    const plain = typed.normalize("NFKC").toUpperCase().replace(/[\s\-\u2010-\u2015\u2212\u30FC]/gu, "")
      .replace(/[IL]/g, "1").replace(/O/g, "0");
    let sum = 0;
    for (const letter of plain) {
      const value = ALPHABET.indexOf(letter);
      if (value < 0) return null;
      sum = (sum * 32 + value) % 1021;
    }
    return plain.length === GROUPS && sum === 1 ? plain : null;
  }

  async function derive(passphrase) {
    const base = await crypto.subtle.importKey("raw", utf8(passphrase), "PBKDF2", false, ["deriveKey"]);
    const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes(head.salt), iterations: head.iterations };
    return crypto.subtle.deriveKey(how, base, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
  }

  async function open(number, with_) {
    const iv = new Uint8Array(12);
    new DataView(iv.buffer).setUint32(8, number);
    const additionalData = utf8(`tomoshibi-lifeboat-1\n${headText}\n${number}`);
    const packed = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, with_, bytes(sealed[number] ?? ""));
    const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return JSON.parse(await new Response(plain).text());
  }

  // ---- words ----

  function speak() {
    document.documentElement.lang = lang;
    document.title = word("boat-title");
    for (const element of document.querySelectorAll("[data-w]")) element.textContent = word(element.dataset.w);
    for (const element of document.querySelectorAll("[data-head]")) element.textContent = head[element.dataset.head];
    byId("language").textContent = word("other-language");
    byId("language").lang = lang === "ja" ? "en" : "ja";
    const now = new Date();
    const two = (n) => String(n).padStart(2, "0");
    byId("not-today").hidden = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}` === head.day;
    if (said) say(said);
    if (key) {
      showRows();
      if (shown) showChart();
    }
  }

  let said = "";
  function say(name) {
    said = name;
    byId("said").textContent = name ? word(name) : "";
  }

  function show(section) {
    for (const id of ["door", "list", "chart"]) byId(id).hidden = id !== section;
    byId("close").hidden = section === "door";
  }

  // ---- the door ----

  async function unlock(event) {
    event.preventDefault();
    const passphrase = read(byId("passphrase").value);
    if (!passphrase) return say("boat-mistyped");
    if (!globalThis.crypto?.subtle || !globalThis.DecompressionStream) return say("boat-too-old");
    const button = byId("unlock").querySelector("button");
    button.disabled = true;
    say("boat-opening");
    try {
      const derived = await derive(passphrase);
      const list = await open(0, derived);
      rows = list.rows;
      byBed = list.by === "bed";
      key = derived;
    } catch {
      button.disabled = false;
      say("boat-wrong");
      byId("passphrase").focus();
      return;
    }
    button.disabled = false;
    byId("passphrase").value = "";
    say(null);
    touched = Date.now();
    show("list");
    showRows();
    byId("q").focus();
  }

  /** Forgets everything that was opened. */
  function clear(reason) {
    key = null;
    rows = [];
    shown = null;
    byId("rows").replaceChildren();
    byId("chart").replaceChildren();
    byId("q").value = "";
    byId("count").textContent = "";
    byId("passphrase").value = "";
    show("door");
    say(reason);
    byId("passphrase").focus();
  }

  // ---- the list ----

  const RAISED = { ァ: "ア", ィ: "イ", ゥ: "ウ", ェ: "エ", ォ: "オ", ッ: "ツ", ャ: "ヤ", ュ: "ユ", ョ: "ヨ", ヮ: "ワ", ヵ: "カ", ヶ: "ケ", ヂ: "ジ", ヅ: "ズ", ヰ: "イ", ヱ: "エ" };
  const VU = { ァ: "バ", ィ: "ビ", ェ: "ベ", ォ: "ボ" };

  /** What was typed, as the keys in the list are folded. */
  function fold(text) {
    return text.normalize("NFKC").toLowerCase().replace(/[\s\u30FC\-\u2010-\u2015\u2212・]/gu, "")
      .replace(/[ぁ-ゖ]/gu, (kana) => String.fromCodePoint(kana.codePointAt(0) + 0x60))
      .replace(/ヴ([ァィェォ]?)/gu, (_, small) => VU[small] ?? "ブ")
      .replace(/[ァィゥェォッャュョヮヵヶヂヅヰヱ]/gu, (kana) => RAISED[kana]);
  }

  function found() {
    const wanted = fold(byId("q").value);
    return wanted === "" ? rows : rows.filter((row) => row.keys.some((known) => known.includes(wanted)));
  }

  function showRows() {
    const list = found();
    byId("count").textContent = `${list.length} ${word("boat-count")}`;
    if (list.length === 0) {
      byId("rows").replaceChildren(make("p", "unknown", word("boat-nobody")));
      return;
    }
    const line = make("tr", "only-paper", copyCell());
    const titles = [byBed ? "boat-bed" : "boat-time", "boat-kana-name", "birth", "age-sex", "patient-id"].map((name) => {
      const cell = make("th", "", word(name));
      cell.scope = "col";
      return cell;
    });
    const body = make("tbody", "");
    for (const row of list) {
      const button = make("button", "open", make("span", "kana", row[lang].kana), make("span", "name", row.name));
      button.type = "button";
      for (const flag of row[lang].flags) button.append(make("span", "flag", flag));
      button.addEventListener("click", () => choose(row, [...byId("rows").querySelectorAll(".open")].indexOf(button)));
      body.append(make("tr", "", make("td", "fig", row.time), make("td", "", button), make("td", "fig", row[lang].birth),
        make("td", "", `${row[lang].age}　${row[lang].sex}`), make("td", "fig", row.id)));
    }
    byId("rows").replaceChildren(make("table", "", make("thead", "", line, make("tr", "", ...titles)), body));
  }

  function copyWords() {
    return `${word("boat-copy")}　${word("as-of")} ${head.as_of}　${word("boat-standby")}　${head.hospital}　${head.department}　${head.day}`;
  }

  function copyCell() {
    const cell = make("th", "copy-line", copyWords());
    cell.colSpan = 5;
    return cell;
  }

  async function choose(row, place) {
    from = place;
    const mine = key;
    let person = null;
    try {
      const opened = await open(row.n, mine);
      // The chart must be the one the list names: somebody else's chart is the worst error.
      if (opened.ja.banner.id === row.id && opened.ja.banner.name === row.name) person = opened;
    } catch { /* said below: this part is damaged */ }
    if (key !== mine || !mine) return;
    shown = { row, person };
    show("chart");
    showChart();
    byId("chart").focus();
  }

  function back() {
    shown = null;
    byId("chart").replaceChildren();
    show("list");
    const buttons = byId("rows").querySelectorAll(".open");
    (buttons[from] ?? byId("q")).focus();
  }

  // ---- one chart ----

  function showChart() {
    const { row, person } = shown;
    const sheet = person ? whole(person[lang]) : make("div", "sheet", who({ ...row[lang], name: row.name, id: row.id, gaiji: false, dead: null }),
      make("div", "rest", make("p", "unknown", word("boat-damaged"))));
    const print = button("boat-print", "go", () => window.print());
    print.hidden = !person;
    byId("chart").replaceChildren(sheet, make("div", "acts", print, button("boat-list", "plain", back)));
  }

  function button(name, look, act) {
    const element = make("button", look, word(name));
    element.type = "button";
    element.addEventListener("click", act);
    return element;
  }

  function who(b) {
    const name = make("h1", "", b.name);
    name.id = "chart-name";
    for (const flag of [...b.flags, b.gaiji ? word("gaiji") : null, b.dead]) if (flag) name.append(make("span", "flag", flag));
    const fact = (label, value, look) => make("div", "", make("dt", "", label), make("dd", look, value));
    const facts = make("dl", "", fact(word("birth"), b.birth, ""), fact(word("age-sex"), `${b.age}　${b.sex}`, ""), fact(word("patient-id"), b.id, "fig"));
    return make("div", "who", make("p", "copy-line only-paper", copyWords()),
      make("div", "banner", make("div", "", make("p", "kana", b.kana), name), facts), make("div", "who-end only-paper"));
  }

  function whole(p) {
    const b = p.banner;
    const items = make("ul", "", ...b.allergy.items.map((item) => make("li", "", item)));
    const allergy = make("div", `allergy allergy-${b.allergy.state}`, make("b", "", b.allergy.head), items,
      b.allergy.when ? make("span", "quiet", b.allergy.when) : null);
    const facts = make("div", "facts", ...b.facts.map(([label, value]) => make("span", "", make("b", "", label), value)),
      make("span", "", word("no-check")), make("span", "", word("boat-no-entries")));
    const panels = make("div", "panels",
      p.stay ? make("div", "column", panel("stay-title", "more", p.stay.place, p.stay.as_of, ...stay(p.stay)),
        panel("chart-drugs", "", p.drugs.source, p.drugs.as_of, ...drugs(p.drugs)))
        : panel("chart-drugs", "", p.drugs.source, p.drugs.as_of, ...drugs(p.drugs)),
      make("div", "column", panel("chart-note", "more", p.note.head, p.note.as_of, ...notes(p.note)),
        panel("chart-today", "", head.day, p.today_as_of, plan(p.today))),
      make("div", "column", panel("chart-problems", "", "", p.problems.as_of, ...problems(p.problems)),
        panel("chart-labs", "more", p.labs.head, p.labs.as_of, labs(p.labs))));
    return make("div", "sheet", who(b), make("div", "rest", allergy, facts, panels));
  }

  function panel(name, look, source, asOf, ...inside) {
    const title = make("h2", "", word(name));
    title.id = `p-${name}`;
    const body = make("div", "inside", ...inside);
    body.tabIndex = 0;
    body.setAttribute("role", "group");
    body.setAttribute("aria-labelledby", title.id);
    const section = make("section", `panel ${look}`, make("header", "", title, source ? make("span", "quiet", source) : null, make("span", "as-of", asOf)), body);
    section.setAttribute("aria-labelledby", title.id);
    return section;
  }

  const absent = (text) => (text ? make("p", "unknown", text) : null);

  function stay(s) {
    const facts = s.facts.map(([label, value, known]) => make("span", "", make("b", "quiet", label), " ", make("span", known ? "" : "unknown", value), "　"));
    const due = s.due.map((drug) => make("div", "drug", make("p", "what", drug.name, drug.tag ? make("span", "tag", drug.tag) : null),
      make("p", "how", ...drug.how.map((part) => make("span", "", part)))));
    const told = s.told.flatMap((one) => [make("p", "quiet", one.head), ...one.sections.map(([, text]) => make("p", "written", text))]);
    return [make("p", "", ...facts),
      make("h3", "quiet", `${word("stay-due")}　${s.due_as_of}`), absent(s.due_absent), ...due,
      make("h3", "quiet", word("stay-vitals")), absent(s.vitals_absent), ...s.vitals.map((line) => make("p", "fig", line)),
      make("h3", "quiet", word("stay-told")), absent(s.told_absent), ...told];
  }

  function drugs(d) {
    const lines = d.items.flatMap((drug) => [
      drug.group ? make("h3", "quiet", drug.group) : null,
      make("div", "drug", make("p", "what", drug.name, drug.tag ? " " : null, drug.tag ? make("span", "tag", drug.tag) : null),
        make("p", "how", ...drug.how.map((part) => make("span", "", part)))),
    ]);
    return [absent(d.absent), ...lines, make("p", "quiet", word("chart-drugs-lack"))];
  }

  function notes(n) {
    const lines = n.notes.flatMap((note, place) => {
      const parts = note.sections.flatMap(([letter, text]) => [letter ? make("dt", "", letter) : null, make("dd", "", text)]);
      return [place > 0 ? make("h3", "quiet", note.head) : null, make("dl", note.free ? "soap free" : "soap", ...parts)];
    });
    return [absent(n.absent), ...lines];
  }

  function plan(today) {
    const lines = today.plan.length > 0 ? today.plan : [word("chart-today-none")];
    return make("ul", "", ...lines.map((line) => make("li", "", line)));
  }

  function problems(p) {
    const lines = p.items.map(([name, since, main]) => make("p", "problem",
      make("span", "", main ? make("span", "tag", word("main-problem")) : null, main ? " " : null, name), make("span", "since", since)));
    return [absent(p.absent), ...lines];
  }

  function labs(l) {
    if (l.absent) return absent(l.absent);
    const title = (name) => {
      const cell = make("th", "", word(name));
      cell.scope = "col";
      return cell;
    };
    const top = make("thead", "sr", make("tr", "", ...["lab-item", "lab-value", "lab-unit", "lab-reference", "date"].map(title)));
    const body = make("tbody", "", ...l.items.map((lab) => {
      const name = make("th", "", lab.name);
      name.scope = "row";
      const flag = lab.flag ? make("b", lab.critical ? "critical" : "", lab.flag) : null;
      return make("tr", "", name, make("td", "value fig", lab.value), make("td", "", lab.unit, flag ? " " : null, flag),
        make("td", "ref", lab.reference), make("td", "on fig", lab.on));
    }));
    return make("table", "labs", top, body);
  }

  // ---- keys, time, and what may not be left behind ----

  function keyDown(event) {
    if (event.isComposing || !key) return;
    const inList = shown === null;
    if (event.key === "F2") {
      event.preventDefault();
      if (!inList) back();
      byId("q").focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (!inList) return back();
      byId("q").value = "";
      showRows();
      byId("q").focus();
    } else if (inList && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const buttons = [...byId("rows").querySelectorAll(".open")];
      const next = buttons.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      (buttons[next] ?? (next < 0 ? byId("q") : buttons.at(-1)))?.focus();
    } else if (inList && event.key === "Enter" && document.activeElement === byId("q")) {
      event.preventDefault();
      byId("rows").querySelector(".open")?.click();
    }
  }

  const idle = () => { if (key && Date.now() - touched >= IDLE) clear("boat-idle"); };
  for (const what of ["keydown", "pointerdown", "wheel", "input"]) {
    addEventListener(what, () => { idle(); touched = Date.now(); }, { capture: true, passive: true });
  }
  setInterval(idle, 1000);
  document.addEventListener("visibilitychange", idle);
  // Going away forgets, and the browser's memory of pages must not bring it back.
  addEventListener("pagehide", () => clear(""));
  document.addEventListener("keydown", keyDown);
  byId("unlock").addEventListener("submit", unlock);
  byId("q").addEventListener("input", showRows);
  byId("close").addEventListener("click", () => clear(""));
  byId("language").addEventListener("click", () => { lang = lang === "ja" ? "en" : "ja"; speak(); });
  speak();
  byId("passphrase").focus();
})();
