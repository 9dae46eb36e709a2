// One seat, several people: the screen clears when nobody uses it and says so before, and what was being typed stays with its
// author. The badge's own story (no digit in any field) is not told in a browser yet.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { openHospital } from "./hospital.mjs";
import { sitDown } from "./keyboard.mjs";
import { assertAccessible, assertNoFaults, launch, screenshot } from "./lib.mjs";


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
