// One seat, several people: the screen clears when nobody uses it and says so before, and what was being typed stays with its
// author. A badge read anywhere leaves no digit in any field and asks for its owner's password.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { openHospital } from "./hospital.mjs";
import { sitDown } from "./keyboard.mjs";
import { assertAccessible, assertNoFaults, launch, screenshot } from "./lib.mjs";

const DOCTOR = { number: "3333", name: "鈴木　光", role: "physician", password: "hikari-no-michi-77" };

let hospital;
let browser;
let people;
let person;
let digits;

before(async () => {
  [hospital, browser] = await Promise.all([openHospital(), launch()]);
  people = hospital.people();
  digits = await hospital.badge(DOCTOR);
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

/** A physician at a note of somebody of today. */
async function writing() {
  person = await sitDown(browser, at("/sign-in"));
  return note();
}

/** The same on a clock that the test moves. Its keys bear the time of that clock, so nothing can be scanned then. */
async function writingOnAClock() {
  person = await sitDown(browser, at("/sign-in"));
  await person.page.clock.install();
  return note();
}

async function note() {
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
  const { patient, note } = await writingOnAClock();
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
  const { patient } = await writingOnAClock();
  await person.page.fill("#s", "途中まで");
  await Promise.all([person.page.waitForURL(/\/sign-in\?away=1/), person.press("Alt+l")]);
  const text = await person.page.innerText("body");
  assert.ok(text.includes("画面を消しました") && !text.includes(patient.name));
  assertNoFaults(person.page);
});

test("a badge read into a note: no digit stays, the text is its author's, the other is asked and comes to the same page", async () => {
  const { note } = await writing();
  await person.page.fill("#s", "息切れは少し");
  await person.page.focus("#o");
  const typed = [];
  await person.page.exposeFunction("tell", (text) => typed.push(text));
  await person.page.evaluate(() => document.addEventListener("input", (event) => window.tell(event.target.value)));
  await Promise.all([person.page.waitForURL(/\/sign-in$/), person.scan(digits)]);
  assert.ok(!typed.some((text) => text.length > 13), "the secret was never in a field that shows it");
  const text = await person.page.innerText("main");
  assert.ok(text.includes(DOCTOR.name) && !text.includes("息切れ"), text);
  await assertAccessible(person.page, "the sign-in after a badge");
  await screenshot(person.page, "badge-read");
  await person.page.fill("#password", DOCTOR.password);
  await Promise.all([person.page.waitForURL((url) => url.pathname === note), person.press("Enter")]);
  assert.ok((await person.page.innerText("body")).includes(DOCTOR.name.split("　")[0]));
  assert.equal(await person.page.inputValue("#s"), "", "a draft is shown to its author alone");
  assert.equal(await person.page.inputValue("#o"), "");
  await person.page.goto(at("/sign-in"));
  await person.page.fill("#user", hospital.staff.physician.number);
  await person.page.fill("#password", hospital.staff.physician.password);
  await Promise.all([person.page.waitForURL((url) => url.pathname !== "/sign-in"), person.page.press("#password", "Enter")]);
  await person.page.goto(at(note));
  assert.equal(await person.page.inputValue("#s"), "息切れは少し");
  assert.equal(await person.page.inputValue("#o"), "", "no digit of the badge");
  assertNoFaults(person.page);
});

test("a badge read at the sign-in page, whatever field the caret is in", async () => {
  for (const field of ["#user", "#password"]) {
    await person?.page.context().close();
    person = await sitDown(browser, at("/sign-in"));
    await person.page.focus(field);
    const asked = person.page.waitForFunction((name) => document.querySelector(".held")?.textContent.includes(name), DOCTOR.name);
    await Promise.all([asked, person.scan(digits)]);
    await person.at("#password");
    await person.page.keyboard.insertText(DOCTOR.password);
    await Promise.all([person.page.waitForURL((url) => url.pathname !== "/sign-in"), person.press("Enter")]);
    assertNoFaults(person.page);
  }
});
