// Every screen in every mode and both languages, on the old PC's screen: nothing for axe to find, no console error, no other
// host, the time of the data in sight, nothing that scrolls sideways, patients with two identifiers and an allergy box that
// is never blank. Each is kept as a picture for people to look at. Then the same work without JavaScript.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openHospital, proof } from "./hospital.mjs";
import { assertAccessible, assertNoFaults, launch, OLD_PC, openPage, screenshot } from "./lib.mjs";

/** The narrowest screen a station may have. */
const NARROW = { width: 1280, height: 600 };
const LANGUAGES = ["ja", "en"];
/** Modes as pictures are named, and as the bar names them. */
const MODES = { normal: "normal", silent: "silent", declared: "ehr", network: "net" };
const HELP = ["reception", "lists", "chart", "note", "next", "payment", "temporary", "work", "declare", "home", "findings", "sign-in"];

let hospital;
let browser;
let people;
/** `physician-en` → a signed-in page at the station. */
const pages = new Map();

before(async () => {
  [hospital, browser] = await Promise.all([openHospital(), launch()]);
  people = hospital.people();
});
after(async () => {
  await browser?.close();
  await hospital?.stop();
});

const at = (path) => new URL(path, hospital.station).href;
const shown = (id) => `${id.slice(0, 4)} ${id.slice(4)}`;

async function signIn(page, role) {
  await page.goto(at("/sign-in"));
  await page.fill("#user", hospital.staff[role].number);
  await page.fill("#password", hospital.staff[role].password);
  await Promise.all([page.waitForURL((url) => url.pathname !== "/sign-in"), page.press("#password", "Enter")]);
}

/** The page of one role in one language, signed in. */
async function desk(role, language) {
  const key = `${role}-${language}`;
  if (!pages.has(key)) {
    const page = await openPage(browser, { language });
    page.setDefaultTimeout(20_000);
    await page.goto(at(`/sign-in?lang=${language}`));
    if (role !== "nobody") await signIn(page, role);
    pages.set(key, page);
  }
  const page = pages.get(key);
  // Somebody who had nothing to do for three minutes was signed out, as they should be: they come back.
  if (role !== "nobody" && (await page.request.post(at("/sign-in/here"))).status() === 401) {
    await page.goto(at(`/sign-in?lang=${language}`));
    await signIn(page, role);
  }
  return page;
}

/** The page shows the mode it is in, in its fonts. */
async function settled(page, mode) {
  await page.waitForFunction((wanted) => document.getElementById("bar").dataset.mode === wanted, MODES[mode]);
  await page.evaluate(() => document.fonts.ready.then(() => true));
}

/** Waits until the station says so itself. */
async function reaches(mode) {
  const page = await desk("nobody", "ja");
  await page.goto(at("/help/home"));
  await page.waitForFunction((wanted) => document.getElementById("bar").dataset.mode === wanted, MODES[mode]);
}

async function judge(page, name, patient) {
  const seen = await page.evaluate(() => ({
    language: document.documentElement.lang,
    bar: document.getElementById("bar").innerText,
    headings: document.querySelectorAll("h1").length,
    inline: [...document.querySelectorAll("[style], style, script:not([src])")].map((one) => one.outerHTML.slice(0, 120)),
    banner: document.querySelector(".banner")?.innerText,
    twice: [...document.querySelectorAll("[id]")].map((one) => one.id).filter((id, at, all) => all.indexOf(id) !== at),
    allergies: [...document.querySelectorAll(".allergy")].map((box) => box.innerText.trim()),
  }));
  const door = new URL(page.url()).pathname === "/sign-in";
  assert.equal(door, name.startsWith("S01"), `${name}: this is ${page.url()}`);
  assert.match(seen.bar, /(データ時点|Data as of)\s*(\d|不明|unknown)/i, `${name}: the time of the data`);
  assert.equal(seen.headings, 1, `${name}: one h1`);
  assert.deepEqual(seen.inline, [], `${name}: nothing inline`);
  assert.deepEqual(seen.twice, [], `${name}: every id once`);
  if (patient) {
    const { kana, name: written, birth, id } = patient;
    for (const part of [kana.replace(/\s+/g, " "), written.replace(/\s+/g, " "), id].filter(Boolean)) {
      assert.ok(seen.banner.replace(/\s+/g, " ").includes(part), `${name}: the banner shows ${part}: ${seen.banner}`);
    }
    if (birth) assert.ok(seen.banner.includes(String(birth.year)), `${name}: the banner shows the birth date`);
    assert.equal(seen.allergies.length, 1, `${name}: one allergy box`);
    assert.ok(seen.allergies[0].length > 8, `${name}: the allergy box is blank: 「${seen.allergies[0]}」`);
  }
  await assertAccessible(page, name);
  await page.setViewportSize(NARROW);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  const cut = [...new Set([...(await cutOff(page)), ...(await page.setViewportSize(OLD_PC), await cutOff(page))])];
  assert.ok(wide <= 0, `${name}: ${wide} px too wide at ${NARROW.width}`);
  assert.deepEqual(cut, [], `${name}: controls cut off at their right`);
  assertNoFaults(page);
}

/** Buttons, links and fields whose right end a box hides: they can be seen in part only. */
function cutOff(page) {
  return page.evaluate(() => {
    const hides = (box) => getComputedStyle(box).overflowX !== "visible";
    const found = [];
    for (const control of document.querySelectorAll("a[href], button, input, select, textarea")) {
      const right = control.getBoundingClientRect().right;
      // What assistive technology alone reads is hidden on purpose.
      if (control.closest(".sr, .skip, [hidden]") || control.getClientRects().length === 0) continue;
      for (let box = control.parentElement; box; box = box.parentElement) {
        if (hides(box) && right > box.getBoundingClientRect().right + 1) {
          found.push(control.outerHTML.slice(0, 100));
          break;
        }
      }
    }
    return found;
  });
}

const open = (path) => (page) => page.goto(at(path));
const banner = (person) => ({ kana: person.kana, name: person.name, birth: person.birth, id: shown(person.id) });

/** Searches at reception or in the lists as it is typed, and waits for the answer. */
async function search(page, path, text) {
  await page.goto(at(path));
  await page.fill("[data-search]", text);
  await page.waitForFunction((typed) => document.querySelector("form[data-live]").answered === typed, text);
}

/** Fills what the card asks to tell namesakes apart, if it asks. */
async function prove(page, person) {
  const digits = await page.evaluate(() => document.querySelector("#card .day input")?.maxLength);
  if (digits) await page.fill("#card .day input", proof(person, digits));
}

/** The chart of a person, by the list. */
async function chart(page, person) {
  await search(page, "/patients", person.id);
  await Promise.all([page.waitForURL(/\/p\//), page.click("#rows a[data-row]")]);
}

const find = (fits) => {
  const person = people.find(fits);
  assert.ok(person, "the synthetic hospital lacks such a patient");
  return person;
};
/** Somebody with this state of allergies and a booking, not yet received here, whose name is shown as written. */
const withAllergy = (state) => find((person) => person.allergy === state && person.today.length > 0 && !/[■〓]/.test(person.name + person.kana) && person.kana !== "");
const twin = () => find((person) => people.some((other) => other !== person && other.name === person.name && other.kana === person.kana));



test("silent", async () => { await hospital.stopEhr(); await reaches("silent"); });

test("every screen in a declared downtime", async (all) => {
  const officer = await desk("reception", "ja");
  await officer.goto(at("/declare"));
  await Promise.all([officer.waitForURL(/done=/), officer.click("form button.go:visible")]);
  const same = twin();
  const walkIn = find((person) => person.thin);
  const dead = find((person) => person.died);
  const here = find((person) => person.today.length === 1 && !person.died && person !== same);
  const known = withAllergy("あり");
  await each(all, "declared", [
    ["S10-received", "reception", async (page, language) => {
      const person = language === "ja" ? here : find((other) => other.today.length === 1 && other !== here && other !== same && !other.died);
      await search(page, "/reception", person.id);
      await prove(page, person);
      await Promise.all([page.waitForURL(/done=/), page.click("#card [data-main]")]);
    }],
    ["S12-labels", "physician", async (page) => {
      await chart(page, known);
      await page.click(".more-acts summary");
      await page.click(".more-acts button");
      await page.waitForURL(/s=/);
      await page.click(".more-acts summary");
    }, banner(known)],
    ["S32-payment", "reception", open("/payment")],
    ["S32-not-found", "reception", async (page) => {
      await page.goto(at("/payment"));
      await page.fill("#code", "99999999");
      await Promise.all([page.waitForEvent("domcontentloaded"), page.click("form button.go")]);
      assert.match(await page.innerText("[role=alert]:visible"), /99999999/, "it says what was not found");
    }],
    ["S32-one", "reception", async (page) => {
      await page.goto(at("/payment"));
      await Promise.all([page.waitForURL(/\/payment$/), page.click("a[data-row]")]);
      await page.waitForSelector("#deposit");
    }],
    ["S32-wrong", "reception", async (page) => {
      await page.goto(at("/payment"));
      await page.click("a[data-row]");
      await page.fill("#deposit", "3千円");
      await page.check("input[name=service] >> nth=0");
      await Promise.all([page.waitForEvent("domcontentloaded"), page.click("button.go:visible")]);
      assert.match(await page.innerText("[role=alert]:visible"), /9,999,999/, "it says what can be written");
    }],
    ["S32-deferred", "reception", async (page) => {
      await page.goto(at("/payment"));
      await page.click("a[data-row]");
      await page.check("input[name=service] >> nth=0");
      await page.fill("#deposit", "3000");
      await Promise.all([page.waitForURL(/done=/), page.click("button.go:visible")]);
      const paper = await page.request.get(new URL(await page.getAttribute("[data-print]", "href"), page.url()).href);
      assert.equal(paper.headers()["content-type"], "application/pdf", "the slip is printed");
    }],
    ["S60p-returned", "informatics", open("/returned")],
    ["S17-temporary", "reception", open("/temporary")],
    ["S17-registered", "reception", async (page) => {
      await page.goto(at("/temporary"));
      await page.fill("#kana", "シラヌイ　ミオ");
      await page.check("input[name=sex] >> nth=1");
      await page.check("input[name=reason] >> nth=0");
      await page.check("input[name=allergy] >> nth=0");
      await page.fill("#what", "ペニシリンで発疹");
      await Promise.all([page.waitForURL(/done=/), page.click("button.go:visible")]);
    }],
  ]);
});



/** Both languages of every case, each judged and told of by itself. */
async function each(all, mode, cases) {
  for (const [name, role, arrive, patient] of cases) {
    for (const language of LANGUAGES) {
      await all.test(`${name} ${mode} ${language}`, async () => {
        const page = await desk(role, language);
        page.forget();
        await arrive(page, language);
        await settled(page, mode);
        try {
          await judge(page, `${name} ${mode} ${language}`, patient);
        } finally {
          await screenshot(page, `${name}-${mode}`, language);
        }
      });
    }
  }
}
