// A morning without the EHR, with the keyboard alone: a clerk at a station, a physician at the hub, later an informatics
// officer. What they recorded comes out of `tomoshibi export` exactly once.
//
// One story, told in order; each step stands on the one before it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openHospital, proof, romaji } from "./hospital.mjs";
import { sitDown } from "./keyboard.mjs";
import { assertNoFaults, launch, screenshot } from "./lib.mjs";

let hospital;
let browser;
let people;
let clerk;
let physician;
let officer;

/** Everything the screens said was recorded: entry → what and about whom. */
const recorded = new Map();
/** Who was received, in order. */
const received = [];
const numbers = new Set();
let sheets = 0;

let broken;

/** One step of the story; what stands on a step that failed is not even tried. */
function step(name, act) {
  test(name, async () => {
    assert.ok(!broken, `「${broken}」 failed before`);
    broken = name;
    try {
      await act();
    } catch (error) {
      for (const [at, person] of Object.entries({ clerk, physician, officer })) {
        if (person) await screenshot(person.page, `failed-morning-${at}`);
      }
      throw error;
    }
    broken = undefined;
  });
}

before(async () => {
  [hospital, browser] = await Promise.all([openHospital(), launch()]);
  people = hospital.people();
});
after(async () => {
  await browser?.close();
  await hospital?.stop();
});

const shown = (id) => `${id.slice(0, 4)} ${id.slice(4)}`;
const letters = (kana) => kana.replace(/\s/g, "");
const cast = new Set();
/** Least time between reading the screen and pressing Enter (milliseconds). */
const HAND = 100;

/** The next `count` people with a booking whom nobody has played yet and who fit. */
function next(count, fits = () => true) {
  const chosen = people.filter((person) => !cast.has(person.id) && !person.died && !person.thin && fits(person)).slice(0, count);
  assert.equal(chosen.length, count, "the synthetic hospital has too few such patients");
  for (const person of chosen) cast.add(person.id);
  return chosen;
}

/** How many people of the export somebody must tell apart after these letters. */
const sharing = (key, of) => people.filter((person) => of(person).startsWith(key)).length;

function keep(person, kind, who) {
  const entry = person.recorded();
  assert.ok(!recorded.has(entry), "one entry, announced once");
  recorded.set(entry, { kind, who });
  return entry;
}

/** Identity given at the desk: what is typed or scanned, until the card shows this person. */
async function identify(text, person, { scanned = false } = {}) {
  await clerk.at("[data-search]");
  // What was seen for the person before says nothing about this one, even when the letters are the same.
  await clerk.page.evaluate(() => delete document.querySelector("form[data-live]").shown);
  if (scanned) await clerk.scan(text);
  else await clerk.type(text);
  const place = await clerk.page.waitForFunction(
    ([id, typed, HAND]) => {
      const form = document.querySelector("form[data-live]");
      if (form.answered !== typed || form.querySelector("[data-search]").value !== typed) return false;
      // A hand is slower than a slow scanner: the desk takes an Enter right behind the last letter for the scanner's own.
      form.shown ??= { typed, since: performance.now() };
      if (form.shown.typed !== typed) form.shown = { typed, since: performance.now() };
      if (performance.now() - form.shown.since < HAND) return false;
      const rows = [...document.querySelectorAll("#rows a.row")];
      const at = rows.findIndex((row) => row.innerText.includes(id));
      return at < 0 ? false : { at };
    },
    [shown(person.id), text, HAND],
  );
  clerk.presses = 0;
  await clerk.press("ArrowDown", (await place.jsonValue()).at);
  await clerk.page.waitForFunction((id) => document.querySelector("#card").innerText.includes(id), shown(person.id));
}

/** 別の人: the desk is empty again, the caret is back. */
async function otherPerson() {
  await clerk.press("Escape");
  await clerk.at("[data-search]");
  await clerk.page.waitForFunction(() => document.querySelector("#rows a.row") === null && document.querySelector("[data-search]").value === "");
}

/** Enter, what the card asks for, Enter. Gives the presses it took. */
async function receive(text, person, how) {
  await identify(text, person, how);
  const asks = await clerk.page.evaluate(() => ({
    day: document.querySelector("#card .day input")?.maxLength,
    department: document.querySelector("#card form select[required]") !== null && document.querySelector("#card details") === null,
  }));
  if (asks.department || asks.day) {
    if (asks.day) {
      await clerk.press("Enter");
      await clerk.at("#card .day input");
      await clerk.type(proof(person, asks.day));
    }
    if (asks.department) {
      await clerk.press("Enter");
      await clerk.at("#card select[required]");
      await clerk.press("ArrowDown");
      await clerk.tabTo("#card [data-main]");
    }
  }
  await clerk.follow("Enter");
  const said = await clerk.page.innerText(".done b");
  const number = said.match(/[A-Z]-?\d+/)?.[0];
  assert.ok(number, `a reception number is announced: ${said}`);
  assert.ok(!numbers.has(number), `${number} was given once`);
  numbers.add(number);
  keep(clerk, "受付", person.id);
  received.push(person);
  sheets += (await clerk.sheets()).length;
  return { presses: clerk.presses, asks };
}

step("the clerk signs in; patients stay closed while the EHR answers", async () => {
  clerk = await sitDown(browser, new URL("sign-in", hospital.station).href);
  await clerk.signIn(hospital.staff.reception);
  await clerk.seesMode("normal");
  assert.equal(await clerk.page.locator("[data-search]").count(), 0);
});

step("the EHR stops, the bar turns, the clerk declares", async () => {
  await hospital.stopEhr();
  await clerk.seesMode("silent");
  // The closed page opens by itself.
  await clerk.at("[data-search]");
  clerk.presses = 0;
  await clerk.follow("Alt+7");
  await clerk.at("input[name=reason]");
  await clerk.press("Digit2");
  await clerk.at("input[name=reason][value='2']");
  await clerk.follow("Enter");
  assert.ok(clerk.presses <= 4, `declared with ${clerk.presses} presses`);
  keep(clerk, "停止の宣言", "");
  await clerk.seesMode("ehr");
  assert.match(await clerk.page.title(), /^【停止中】/);
});

step("a card is scanned: one press receives", async () => {
  const few = (person) => sharing(letters(person.kana), (other) => letters(other.kana)) === 1 && person.today.length === 1;
  let one = 0;
  for (const person of next(8, few)) {
    const { presses, asks } = await receive(person.id, person, { scanned: true });
    if (asks.day) continue;
    one += 1;
    assert.equal(presses, 1, `${person.id} took ${presses} presses after the scan`);
  }
  assert.ok(one >= 5, "most people are received with one press");
});

step("three letters of the reading: at most two presses", async () => {
  const rare = (person) =>
    letters(person.kana).length >= 3 && sharing(letters(person.kana).slice(0, 3), (other) => letters(other.kana)) <= 2;
  for (const person of next(6, rare)) {
    const { presses, asks } = await receive(letters(person.kana).slice(0, 3), person);
    if (!asks.day) assert.ok(presses <= 2, `${person.kana} took ${presses} presses`);
  }
  const latin = (person) => rare(person) && romaji(person.kana) !== undefined;
  for (const person of next(4, latin)) await receive(romaji(person.kana), person);
});

step("two people with one name are told apart by the day of birth", async () => {
  const twin = (person) =>
    person.today.length > 0 && people.some((other) => other !== person && other.name === person.name && other.kana === person.kana && other.today.length > 0);
  const [first] = next(1, twin);
  const [second] = next(1, (person) => person.name === first.name && person.kana === first.kana);
  for (const person of [first, second]) {
    await identify(letters(person.kana), person);
    assert.match(await clerk.page.innerText("#card"), /同姓同名/);
    // Enter alone must not receive anybody.
    await clerk.press("Enter");
    await clerk.at("#card .day input");
    await otherPerson();
    await receive(letters(person.kana), person);
  }
});

step("number, birth date, no booking, already here, taken back", async () => {
  for (const person of next(6)) await receive(person.id, person);
  const alone = (person) => people.filter((other) => other.birth && stamp(other) === stamp(person)).length === 1;
  for (const person of next(4, alone)) await receive(stamp(person), person);

  const walkIns = people.filter((person) => person.thin && sharing(letters(person.kana), (other) => letters(other.kana)) === 1).slice(0, 2);
  for (const person of walkIns) {
    const { asks } = await receive(letters(person.kana), person);
    assert.ok(asks.department, "somebody without a booking is asked for a department");
  }

  await identify(received[0].id, received[0]);
  assert.match(await clerk.page.innerText("#card"), /受付済み/);
  await clerk.tabTo("#card [data-main]");
  await clerk.follow("Enter");
  sheets += (await clerk.sheets()).length;

  await otherPerson();
  const [person] = next(1);
  await receive(person.id, person);
  received.pop();
  await clerk.follow("Alt+Z");
  keep(clerk, "受付の取消", person.id);
  await receive(person.id, person);
});

const stamp = ({ birth }) => `${birth.year}${String(birth.month).padStart(2, "0")}${String(birth.day).padStart(2, "0")}`;

const temporaries = [];

async function register(kana, { sex, allergy }) {
  await clerk.follow("Alt+4");
  await clerk.at("#kana");
  if (kana === "") {
    await clerk.press("Alt+U");
    await clerk.at("#estimated");
  } else {
    await clerk.type(kana);
    await clerk.tabTo("#birth");
    await clerk.type("S26.5.12");
    await clerk.tabTo("input[name=sex]");
    await clerk.press(`Digit${sex}`);
    await clerk.tabTo("input[name=reason]");
    await clerk.press("Digit1");
    await clerk.tabTo("input[name=allergy]");
    await clerk.press(`Digit${allergy}`);
    if (allergy === 1) {
      await clerk.tabTo("#what");
      await clerk.type("ペニシリンで発疹");
    }
  }
  await clerk.follow(kana === "" || allergy === 1 ? "Enter" : "Control+Enter");
  const said = await clerk.page.innerText(".done b");
  const [number] = said.match(/T[A-Z0-9]{5,}/) ?? [];
  assert.ok(number, `a temporary number is announced: ${said}`);
  temporaries.push(number);
  keep(clerk, "仮患者登録", number);
  sheets += (await clerk.sheets()).length;
  await clerk.follow("Alt+1");
}

step("two people unknown to the hospital are registered", async () => {
  await register("シラヌイ　ミオ", { sex: 2, allergy: 1 });
  await register("", {});
});

/** From the list to the chart of one patient. */
async function openChart(who, text, shownId) {
  await who.follow("Alt+2");
  await who.press("F2");
  await who.at("[data-search]");
  await who.type(text);
  await who.page.waitForFunction(
    ([typed, id]) => {
      const form = document.querySelector("form[data-live]");
      return form.answered === typed && document.querySelector("#rows tbody tr")?.innerText.includes(id);
    },
    [text, shownId],
  );
  await who.press("ArrowDown");
  await who.at("#rows a[data-row]");
  await who.follow("Enter");
  assert.ok((await who.page.innerText(".banner")).includes(shownId), "the chart of the person who was chosen");
}

async function writeNote(who, person, text) {
  await openChart(who, person.id, shown(person.id));
  await who.follow("Enter");
  await who.at("#s");
  await who.type(text);
  await who.press("Tab");
  await who.type("胸部に雑音なし。");
  await who.follow("Control+Enter");
  keep(who, "記録", person.id);
  sheets += (await who.sheets()).length;
}

step("the physician writes 14 notes, corrects one and makes 7 provisional appointments", async () => {
  physician = await sitDown(browser, new URL("sign-in", hospital.hub).href);
  await physician.signIn(hospital.staff.physician);
  await physician.seesMode("ehr");
  for (const [n, person] of received.slice(0, 14).entries()) {
    await writeNote(physician, person, `${n + 1}人目。変わりなし。\n夜はよく眠れる。`);
    if (n === 3) {
      await physician.tabTo("a[href*='/note/']");
      await physician.follow("Enter");
      await physician.at("#reason, #s");
      await physician.tabTo("#reason");
      await physician.type("聞きまちがい");
      await physician.tabTo("#s");
      await physician.type("訂正：咳が続く。");
      await physician.follow("Control+Enter");
      keep(physician, "記録の訂正", person.id);
      sheets += (await physician.sheets()).length;
    }
    if (n < 7) await appoint(physician, person, n);
  }
});

async function appoint(who, person, n) {
  await who.follow("Alt+Y");
  await who.at("#on");
  const day = new Date(Date.now() + (28 + n) * 86_400_000);
  await who.type(`${day.getFullYear()}/${day.getMonth() + 1}/${day.getDate()}`);
  await who.press("Tab");
  if (n % 3 !== 2) await who.type("9:30");
  if ((await who.page.inputValue("#department")) === "") {
    await who.tabTo("#department");
    await who.press("ArrowDown");
  }
  await who.follow("Control+Enter");
  keep(who, "仮予約", person.id);
  sheets += (await who.sheets()).length;
}

step("the station's network is cut; it goes on alone, and so does the hub", async () => {
  await hospital.cutNetwork();
  await clerk.seesMode("net");
  for (const person of next(7)) await receive(person.id, person);
  await register("カミシロ　ソウ", { sex: 1, allergy: 2 });
  for (const [n, person] of received.slice(14, 18).entries()) {
    await writeNote(physician, person, `${n + 15}人目。`);
    if (n < 2) await appoint(physician, person, n);
  }
  const beside = await sitDown(browser, new URL("sign-in", hospital.station).href);
  await beside.signIn(hospital.staff.physician);
  await beside.seesMode("net");
  for (const person of received.slice(-2)) await writeNote(beside, person, "回線が切れているあいだの記録。");
  await appoint(beside, received.at(-1), 9);
  assertNoFaults(beside.page);
  await hospital.mendNetwork();
  await clerk.seesMode("ehr");
});

step("40 received, 3 registered, 20 notes, 10 appointments", () => {
  const count = (kind) => [...recorded.values()].filter((entry) => entry.kind === kind).length;
  assert.deepEqual(
    { received: received.length, registered: count("仮患者登録"), notes: count("記録"), corrected: count("記録の訂正"), appointments: count("仮予約") },
    { received: 40, registered: 3, notes: 20, corrected: 1, appointments: 10 },
  );
});

const entered = [];

step("the work list shows everything that must be entered; five are marked", async () => {
  officer = await sitDown(browser, new URL("sign-in", hospital.hub).href);
  await officer.signIn(hospital.staff.informatics);
  // What was taken back, corrected or only printed need not be typed into the EHR.
  const undone = [...recorded.values()].filter((entry) => entry.kind === "受付の取消").length;
  const listed = () => officer.page.$$eval(".work-list a[data-row]", (all) => all.map((link) => new URL(link.href).pathname.split("/").at(-1)));
  const wanted = [...recorded].filter(([, entry]) => ["受付", "記録の訂正", "仮予約", "仮患者登録"].includes(entry.kind)).length - undone;
  const deadline = Date.now() + 30_000;
  let list;
  do {
    await officer.follow("Alt+8");
    list = await listed();
    assert.ok(Date.now() < deadline, `the hub lists ${list.length}, at least ${wanted} are due`);
  } while (list.length < wanted + 19);
  assert.equal(new Set(list).size, list.length, "nothing is listed twice");
  for (const entry of list) assert.ok(recorded.has(entry), `${entry} was recorded by nobody`);
  const missing = [...recorded].filter(([id, entry]) => !["停止の宣言", "受付の取消"].includes(entry.kind) && !list.includes(id));
  // The check-in that was taken back and the note that was corrected are not typed in.
  assert.deepEqual(missing.map(([, entry]) => entry.kind).sort(), ["受付", "記録"]);

  await officer.press("ArrowDown");
  await officer.at("a[data-row]");
  await officer.follow("Enter");
  for (let n = 0; n < 5; n += 1) {
    const entry = new URL(officer.page.url()).pathname.split("/").at(-1);
    entered.push(entry);
    await officer.follow("Enter");
    await officer.page.waitForFunction((before) => !location.pathname.endsWith(before), entry);
  }
  assert.equal(new Set(entered).size, 5);
  assertNoFaults(officer.page);
});

step("the export holds every entry exactly once", async () => {
  const rows = await hospital.exportEntries();
  const ids = rows.map((row) => row.記載番号);
  assert.equal(new Set(ids).size, ids.length, "no entry twice");
  for (const [entry, { kind, who }] of recorded) {
    const row = rows.find((one) => one.記載番号 === entry);
    assert.ok(row, `${kind} ${who} is in the file`);
    assert.equal(row.種別, kind);
    if (kind !== "停止の宣言") assert.equal(kind === "仮患者登録" ? row.仮番号 : row.患者番号, who);
  }
  const rest = rows.filter((row) => !recorded.has(row.記載番号));
  const of = (kind) => rest.filter((row) => row.種別 === kind);
  assert.equal(of("印刷").length, sheets, "every sheet that was fetched, and no other");
  assert.deepEqual(of("事後入力").map((row) => row.対象の記載番号).sort(), [...entered].sort());
  assert.equal(rest.length, sheets + entered.length, "nothing that nobody did");
  assertNoFaults(physician.page);
});
