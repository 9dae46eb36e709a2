// One seat, several people: the screen clears when nobody uses it and says so before, what was being typed stays with its
// author, and a badge read anywhere asks for its person's password without ever showing its digits.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { openHospital } from "./hospital.mjs";
import { sitDown } from "./keyboard.mjs";
import { assertAccessible, assertNoFaults, launch, screenshot } from "./lib.mjs";

/** A badge that nobody has, with right check digits or not: the page must not show it either way. */
const BADGE = `91${"00004711"}${"1".repeat(39)}00`;

let hospital;
let browser;
let people;
let person;

before(async () => {
  [hospital, browser] = await Promise.all([openHospital(), launch()]);
  people = hospital.people();
  await hospital.stopEhr();
});
after(async () => {
  await browser?.close();
  await hospital?.stop();
});
afterEach(async () => {
  await person?.page.context().close();
  person = undefined;
});

const at = (path) => new URL(path, hospital.station).href;

/** A physician at a note of somebody of today, on a clock that the test moves. */
async function writing() {
  person = await sitDown(browser, at("/sign-in"));
  await person.page.clock.install();
  await person.signIn(hospital.staff.physician);
  const patient = people.find((one) => one.today.length > 0 && !one.died && !one.thin);
  await person.page.goto(at("/patients"));
  await person.page.fill("[data-search]", patient.id);
  const row = person.page.locator("[data-row]").first();
  await row.waitFor();
  const chart = await row.getAttribute("href");
  await person.page.goto(at(`${chart}/note`));
  return { patient, note: `${chart}/note` };
}

const shows = (selector) => person.page.locator(selector).isVisible();

test("a warning, then an empty page, then the same person and the same text", async () => {
  const { patient, note } = await writing();
  await person.page.fill("#s", "息切れは変わらない");
  await person.page.clock.fastForward(115_000);
  assert.equal(await shows("#idle-ask"), false, "nothing is said while there is time");
  await person.page.clock.fastForward(10_000);
  await person.page.locator("#idle-ask").waitFor();
  await assertAccessible(person.page, "the warning");
  await screenshot(person.page, "idle-warning");
  await person.press("Shift");
  assert.equal(await shows("#idle-ask"), false, "any key goes on");
  await Promise.all([person.page.waitForURL(/\/sign-in\?away=1/), person.page.clock.fastForward(185_000)]);
  const text = await person.page.innerText("body");
  assert.ok(text.includes("画面を消しました") && !text.includes(patient.name) && !text.includes("息切れ"));
  assert.equal(await person.page.inputValue("#user"), hospital.staff.physician.number);
  await screenshot(person.page, "idle-cleared");
  await person.page.goBack();
  assert.ok(!(await person.page.innerText("body")).includes("息切れ"), "the back button shows nobody");
  await person.page.goto(at(`/sign-in?away=1&to=${note}`));
  await person.page.fill("#password", hospital.staff.physician.password);
  await Promise.all([person.page.waitForURL((url) => url.pathname === note), person.page.press("#password", "Enter")]);
  assert.equal(await person.page.inputValue("#s"), "息切れは変わらない");
});

test("離席 clears at once", async () => {
  const { patient } = await writing();
  await person.page.fill("#s", "途中まで");
  await Promise.all([person.page.waitForURL(/\/sign-in\?away=1/), person.press("Alt+l")]);
  const text = await person.page.innerText("body");
  assert.ok(text.includes("画面を消しました") && !text.includes(patient.name));
  assertNoFaults(person.page);
});

test("a badge read into a note leaves no digit and keeps the text", async () => {
  const { note } = await writing();
  await person.page.fill("#s", "書きかけ");
  await person.page.focus("#s");
  const sent = person.page.waitForRequest((request) => request.method() === "POST" && new URL(request.url()).pathname === "/sign-in");
  await person.scan(BADGE);
  const body = (await sent).postData();
  assert.ok(body.includes(`scanned=${BADGE}`) && decodeURIComponent(body).includes(`to=${note}`));
  await person.page.waitForLoadState();
  assert.ok(!(await person.page.content()).includes(BADGE.slice(0, 20)), "the digits stand nowhere");
  await person.page.goto(at(note));
  assert.equal(await person.page.inputValue("#s"), "書きかけ", "still the first person's page, with the text");
});

test("a badge read at the sign-in page never stands in a field", async () => {
  person = await sitDown(browser, at("/sign-in"));
  await person.at("#user");
  const sent = person.page.waitForRequest((request) => request.method() === "POST");
  await person.scan(BADGE);
  assert.ok((await sent).postData().includes(`scanned=${BADGE}`));
  await person.page.waitForLoadState();
  assert.equal(await person.page.inputValue("#user"), "");
});
