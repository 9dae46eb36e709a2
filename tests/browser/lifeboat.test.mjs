// The last resort: everything is gone but a stick, a sheet of paper and a browser.
//
// The files are made by the program on the demo's hub; from then on only Chromium and the file are there, without a network.
// Who must be on it is read from the hospital's export, never from the product.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { openHospital } from "./hospital.mjs";
import { PROGRAM, assertAccessible, assertNoFaults, launch, openPage, screenshot } from "./lib.mjs";

const run = promisify(execFile);
const WRONG = "0000-0000-0000-0000-0001";
let browser;
let people;
let stick;
let boat;
let page;

before(async () => {
  const hospital = await openHospital();
  try {
    people = hospital.people();
    stick = mkdtempSync(join(tmpdir(), "tomoshibi-stick-"));
    const officer = hospital.staff.informatics;
    const secret = join(hospital.folder, "pw.txt");
    writeFileSync(secret, `${officer.password}\n`, { mode: 0o600 });
    const config = join(hospital.folder, "hub", "tomoshibi.toml");
    const argv = ["print", "-c", config, "lifeboat", "--user", officer.number, "--password-file", secret, "--out", stick, "--json"];
    const { stdout } = await run(PROGRAM, argv, { maxBuffer: 1 << 24 });
    // The department whose list is longest: it has every state of allergies.
    [boat] = JSON.parse(stdout).lifeboats.sort((a, b) => b.people - a.people);
  } finally {
    await hospital.stop();
  }
  browser = await launch();
});

afterEach(() => page?.context().close());

after(async () => {
  await browser?.close();
  if (stick) rmSync(stick, { recursive: true, force: true });
});

/** The file in a browser without a network; `asked()` is every request but the file itself. */
async function board(language = "ja") {
  page = await openPage(browser, { language });
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  await page.context().setOffline(true);
  const address = pathToFileURL(boat.file).href;
  await page.goto(address);
  if (language === "en") await page.click("#language");
  page.asked = () => requests.filter((url) => url !== address && !url.startsWith("blob:"));
}

async function type(passphrase) {
  await page.fill("#passphrase", passphrase);
  await page.press("#passphrase", "Enter");
}

async function boarded(language) {
  await board(language);
  await type(boat.passphrase.toLowerCase().replaceAll("-", " "));
  await page.locator("#rows .open").first().waitFor();
}

const booked = () => people.filter((one) => one.today.some((visit) => visit.department === boat.department) && !one.thin);
const kana = (text) => text.replace(/[ァ-ヶ]/gu, (letter) => String.fromCodePoint(letter.codePointAt(0) - 0x60));
const shown = (id) => id.replace(/\B(?=(\d{4})+$)/g, " ");
const squeeze = (text) => text.normalize("NFKC").replace(/\s/gu, "");

async function look(person) {
  await page.fill("#q", person.id);
  await page.press("#q", "Enter");
  await page.locator("#chart .banner").waitFor();
}

test("the file alone says nothing about anybody", () => {
  const text = readFileSync(boat.file, "utf8");
  for (const person of booked()) {
    for (const fact of [person.id, shown(person.id), person.kana, person.name].filter((one) => one !== "")) assert.ok(!text.includes(fact), fact);
  }
  assert.ok(!text.includes(boat.passphrase) && !readdirSync(stick).some((name) => name.endsWith(".part")));
});

test("a wrong passphrase opens nothing and says what to do", async () => {
  await board();
  assert.equal(await page.evaluate(() => window.isSecureContext), true, "file:// has WebCrypto");
  await screenshot(page, "lifeboat-door");
  await assertAccessible(page, "the door");
  await type("HMAS-W9NF-6YY0-938N-KR2Z");
  assert.match(await page.innerText("#said"), /何も開いていません.*1文字ずつ/u);
  await type(WRONG);
  await page.waitForFunction(() => document.getElementById("said").textContent.includes("この合言葉では"));
  assert.match(await page.innerText("#said"), /何も開いていません/u);
  assert.equal(await page.locator("#list").isVisible(), false);
  await screenshot(page, "lifeboat-wrong");
  assertNoFaults(page);
  assert.deepEqual(page.asked(), []);
});

test("the list, a search in kana, by name and by number", async () => {
  await boarded();
  const all = booked();
  const ids = await page.locator("#rows tbody tr td:last-child").allInnerTexts();
  assert.deepEqual([...new Set(ids)].sort(), all.map((one) => shown(one.id)).sort());
  await screenshot(page, "lifeboat-list");
  await assertAccessible(page, "the list");
  const one = all.find((person) => person.kana.includes("　") && !person.died);
  for (const typed of [kana(one.kana.split("　")[0]), one.kana.replace("　", ""), one.name.split("　")[0], one.id]) {
    await page.fill("#q", typed);
    const found = await page.locator("#rows tbody tr").allInnerTexts();
    assert.ok(found.some((row) => row.includes(shown(one.id))), `${typed} finds ${one.kana}`);
    assert.ok(found.length < ids.length, typed);
  }
  await page.fill("#q", "ゾゾゾ");
  assert.match(await page.innerText("#rows"), /見つかりません/u);
  await page.press("#q", "Escape");
  await page.press("#q", "ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator("#chart .banner").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement.className), "open", "back to where one was");
  assertNoFaults(page);
  assert.deepEqual(page.asked(), []);
});

const WORDS = { あり: "アレルギー・禁忌 あり", なし: "アレルギー・禁忌 なし（確認済）", 参照不可: "アレルギー・禁忌 取得できず", 記録なし: "アレルギー・禁忌 未確認（記録なし）" };

test("a chart shows who, the allergies in their state, and how old everything is", async () => {
  await boarded();
  let checked = 0;
  for (const state of Object.keys(WORDS)) {
    const person = booked().find((one) => one.allergy === state);
    if (!person) continue;
    checked += 1;
    await look(person);
    const banner = squeeze(await page.innerText("#chart .who"));
    for (const fact of [person.kana, person.id, `${person.birth.year}年${person.birth.month}月${person.birth.day}日`]) {
      assert.ok(banner.includes(squeeze(fact)), `${fact} in ${banner}`);
    }
    assert.ok((await page.innerText("#chart .allergy b")).includes(WORDS[state]), state);
    for (const asOf of await page.locator("#chart .as-of").allInnerTexts()) assert.match(asOf, /\d{4}-\d\d-\d\d/u);
    assert.match(await page.innerText(".copy"), /写し.*データ時点.*\d{4}-\d\d-\d\d \d\d:\d\d.*これは停止中の控えです/su);
    await screenshot(page, `lifeboat-chart-${checked}`);
    await assertAccessible(page, `a chart with allergies ${state}`);
    await page.keyboard.press("Escape");
  }
  assert.ok(checked >= 2, "the department has people with different states");
  assertNoFaults(page);
  assert.deepEqual(page.asked(), []);
});

test("every printed page says whose it is, and that it is a copy", async () => {
  await boarded();
  const person = booked().find((one) => one.allergy === "あり");
  await look(person);
  const folder = join(stick, "paper");
  mkdirSync(folder, { recursive: true });
  const pdf = join(folder, "chart.pdf");
  await page.emulateMedia({ media: "print" });
  // As from the print dialogue: A4 with the margins of the style sheet.
  await page.pdf({ path: pdf, preferCSSPageSize: true });
  const { stdout } = await run("pdftotext", ["-layout", pdf, "-"], { maxBuffer: 1 << 24 });
  const pages = stdout.split("\f").filter((text) => text.trim() !== "").map(squeeze);
  assert.ok(pages.length >= 2, `${pages.length} page`);
  pages.forEach((text, at) => {
    for (const fact of [person.kana, person.name, person.id, `${person.birth.year}年`, "写し", "データ時点", "停止中の控え"]) {
      assert.ok(text.includes(squeeze(fact)), `page ${at + 1} of ${pages.length} lacks ${fact}:\n${text}`);
    }
  });
  assert.ok(pages.join("").includes(squeeze(WORDS.あり)));
});

test("in English", async () => {
  await boarded("en");
  await screenshot(page, "lifeboat-list", "en");
  await assertAccessible(page, "the list in English");
  await look(booked().find((one) => one.allergy === "あり"));
  assert.match(await page.innerText("#chart .allergy b"), /llerg/u);
  await screenshot(page, "lifeboat-chart", "en");
  await assertAccessible(page, "a chart in English");
  assert.match(await page.innerText(".copy"), /this is the downtime copy/u);
  assertNoFaults(page);
});

test("nothing is left: after three minutes, after closing, in the browser's stores", async () => {
  page = await openPage(browser);
  await page.clock.install();
  await page.goto(pathToFileURL(boat.file).href);
  await type(boat.passphrase);
  await page.locator("#rows .open").first().waitFor();
  const person = booked()[0];
  await look(person);
  await page.clock.fastForward(170_000);
  assert.ok((await page.innerText("body")).includes(shown(person.id)), "not while there is time");
  await page.clock.fastForward(15_000);
  await page.locator("#door").waitFor();
  assert.match(await page.innerText("#said"), /画面を消しました/u);
  const kept = await page.evaluate(() => ({
    body: document.body.innerText + document.getElementById("chart").innerHTML + document.getElementById("rows").innerHTML,
    typed: document.getElementById("passphrase").value,
    stores: localStorage.length + sessionStorage.length + document.cookie.length,
  }));
  assert.ok(!kept.body.includes(shown(person.id)) && kept.typed === "" && kept.stores === 0);
});

test("one damaged chart is refused, and the others open", async () => {
  const text = readFileSync(boat.file, "utf8");
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.includes('id="sealed"')) + 1;
  const line = lines[at + 1];
  lines[at + 1] = `${line.slice(0, 40)}${line[40] === "A" ? "B" : "A"}${line.slice(41)}`;
  const whole = boat.file;
  boat.file = join(stick, "damaged.html");
  writeFileSync(boat.file, lines.join("\n"));
  try {
    await boarded();
    await page.locator("#rows .open").first().click();
    await page.locator("#chart .unknown").waitFor();
    assert.match(await page.innerText("#chart .unknown"), /壊れて/u);
    await page.keyboard.press("Escape");
    await page.locator("#rows .open").nth(1).click();
    await page.locator("#chart .allergy").waitFor();
    assertNoFaults(page);
  } finally {
    boat.file = whole;
  }
});
