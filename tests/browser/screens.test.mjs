// Every screen in every mode and both languages, on the old PC's screen: nothing for axe to find, no console error, no other
// host, the time of the data in sight, nothing that scrolls sideways, patients with two identifiers and an allergy box that
// is never blank. Each is kept as a picture for people to look at. Then the same work without JavaScript.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { enrolOnScreen } from "./enrolment.mjs";
import { openHospital, proof } from "./hospital.mjs";
import { paperScreens } from "./paper-screens.mjs";
import { assertAccessible, assertNoFaults, launch, OLD_PC, openPage, screenshot } from "./lib.mjs";

/** The narrowest screen a station may have. */
const NARROW = { width: 1280, height: 600 };
const LANGUAGES = ["ja", "en"];
/** Modes as pictures are named, and as the bar names them. */
const MODES = { normal: "normal", silent: "silent", declared: "ehr", network: "net" };
const HELP = ["reception", "lists", "ward", "chart", "note", "orders", "notebook", "next", "payment", "temporary", "work", "declare", "home", "findings", "sign-in", "packs", "readiness", "fleet", "contact", "carry", "stations"];

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
  // The page is at the old PC's size again: a second row of links would take a line from every list.
  const rows = await page.evaluate(() => [...new Set([...document.querySelectorAll(".nav a, .nav button")]
    .filter((one) => one.getClientRects().length > 0)
    .map((one) => Math.round((one.getBoundingClientRect().top + one.getBoundingClientRect().bottom) / 20)))]);
  assert.ok(rows.length <= 1, `${name}: the navigation takes ${rows.length} rows at ${OLD_PC.width} px`);
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

test("every screen while the EHR answers", async (all) => {
  const cases = [
    ["S01-sign-in", "nobody", open("/sign-in")],
    ["S02-home", "reception", open("/")],
    ["S02-home-nobody", "nobody", open("/")],
    ["S02-findings", "informatics", open("/findings")],
    ["S70-readiness", "informatics", open("/readiness")],
    ["S72-fleet", "informatics", open("/fleet")],
    ["S72-round", "informatics", open("/fleet/round")],
    ["S72-station", "informatics", open("/fleet/R03")],
    ["S03-declare", "physician", open("/declare")],
    ["S03-carried", "nobody", open("/declare/carried")],
    ["S81-envelope", "nobody", open("/envelope")],
    ["S74-carry", "informatics", open("/carry")],
    ["S80-audit", "privacy", open("/audit")],
    ["S81-users", "informatics", open("/users")],
    ["S82-stations", "informatics", open("/stations")],
    ...HELP.map((name) => [`S91-help-${name}`, "reception", open(`/help/${name}`)]),
  ];
  await each(all, "normal", cases);
});

test("a terminal is enrolled on the screen of the hub", async () => {
  for (const language of LANGUAGES) {
    const page = await openPage(browser, { language });
    await enrolOnScreen(page, hospital, language, async (name) => {
      await settled(page, "normal");
      await judge(page, `${name} normal ${language}`);
      await screenshot(page, `${name}-normal`, language);
    });
    assertNoFaults(page);
    await page.context().close();
  }
});

test("readiness on the hub, which extracts and makes packs", async () => {
  for (const language of LANGUAGES) {
    const page = await openPage(browser, { language });
    await page.goto(new URL(`/sign-in?lang=${language}`, hospital.hub).href);
    await page.fill("#user", hospital.staff.informatics.number);
    await page.fill("#password", hospital.staff.informatics.password);
    await Promise.all([page.waitForURL((url) => url.pathname !== "/sign-in"), page.press("#password", "Enter")]);
    await page.goto(new URL("/readiness", hospital.hub).href);
    await settled(page, "normal");
    const days = await page.locator(".days li").allInnerTexts();
    assert.equal(days.length, 30, "thirty days");
    assert.match(days.at(-1), language === "ja" ? /完了|指摘|遅れ/ : /complete|findings|late/, "today was extracted, and says so in words");
    await judge(page, `S70-hub normal ${language}`);
    await screenshot(page, "S70-hub-normal", language);
    await page.locator(".days").scrollIntoViewIfNeeded();
    await screenshot(page, "S70-days-normal", language);
    // The hub has heard from its station, which has proved itself by now or is about to.
    await page.waitForFunction(async () => /R03/.test(await (await fetch("/fleet?q=R03&standing=ready")).text()), null, { timeout: 180_000, polling: 1000 });
    await page.goto(new URL("/fleet", hospital.hub).href);
    await judge(page, `S72-hub normal ${language}`);
    await screenshot(page, "S72-hub-normal", language);
    assertNoFaults(page);
    await page.context().close();
  }
});

test("the closed patient screens say why", async () => {
  for (const language of LANGUAGES) {
    // In a page of its own: a browser writes the status 423 of a page to its console.
    const page = await openPage(browser, { language });
    await page.goto(at(`/sign-in?lang=${language}`));
    await signIn(page, "reception");
    await page.goto(at("/reception"));
    await settled(page, "normal");
    await screenshot(page, "S10-closed-normal", language);
    await assertAccessible(page, "the closed screen");
    assert.equal(await page.locator("[data-search], .banner").count(), 0);
    assert.ok(page.faults().every((fault) => fault.includes("423")), page.faults().join("\n"));
    await page.context().close();
  }
});

test("every screen while the EHR is silent", async (all) => {
  await hospital.stopEhr();
  await reaches("silent");
  await each(all, "silent", [
    ["S02-home", "reception", open("/")],
    ["S03-declare", "reception", open("/declare")],
    ["S10-reception", "reception", (one) => search(one, "/reception", "ヤマダハ")],
    ["S11-lists", "physician", open("/patients")],
  ]);
});

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
    ["S02-home", "informatics", open("/")],
    ["S03-declare", "informatics", open("/declare")],
    ["S70-readiness", "informatics", open("/readiness")],
    ["S11-contact", "reception", open("/contact")],
    ["S11-tomorrow", "reception", async (page) => {
      await page.goto(at("/patients"));
      const days = await page.locator("#show option").evaluateAll((all) => all.map((one) => one.value).filter((value) => /^\d{4}-/.test(value)));
      await page.goto(at(`/patients?show=${days[0]}`));
    }],
    ["S10-empty", "reception", open("/reception")],
    ["S10-short", "reception", (page) => search(page, "/reception", "ヤ")],
    ["S10-same-name", "reception", (page) => search(page, "/reception", same.kana.replace(/\s/g, ""))],
    ["S10-none", "reception", (page) => search(page, "/reception", "ヌヌヌ")],
    ["S10-walk-in", "reception", (page) => search(page, "/reception", walkIn.id)],
    ["S10-died", "reception", (page) => search(page, "/reception", dead.id)],
    ["S10-many", "reception", (page) => search(page, "/reception", "タカ")],
    ["S10-wrong-day", "reception", async (page) => {
      await search(page, "/reception", same.id);
      await page.fill("#card .day input", "0");
      await Promise.all([page.waitForEvent("domcontentloaded"), page.click("#card [data-main]")]);
    }],
    ["S10-received", "reception", async (page, language) => {
      const person = language === "ja" ? here : find((other) => other.today.length === 1 && other !== here && other !== same && !other.died);
      await search(page, "/reception", person.id);
      await prove(page, person);
      await Promise.all([page.waitForURL(/done=/), page.click("#card [data-main]")]);
    }],
    ["S10-here", "reception", (page) => search(page, "/reception", here.id)],
    ["S11-today", "physician", open("/patients")],
    ["S20-ward", "physician", open("/ward?ward=5E")],
    ["S12-inpatient", "physician", async (page) => {
      await page.goto(at("/ward?ward=5E"));
      await Promise.all([page.waitForURL(/\/p\//), page.click("#rows a[data-row]")]);
    }],
    ["S11-here", "reception", open("/patients?show=here")],
    ["S11-temporary", "reception", open("/patients?show=temporary")],
    ["S11-by-name", "reception", open("/patients?sort=name")],
    ["S11-search", "physician", (page) => search(page, "/patients", "yamada")],
    ["S11-none", "physician", async (page) => {
      await search(page, "/patients", "ヌヌヌ");
      assert.match(await page.innerText("[data-counted]"), /^0/, "the foot counts what is shown");
    }],
    ["S12-allergies-known", "physician", (page) => chart(page, known), banner(known)],
    ["S12-allergies-none", "physician", (page) => chart(page, withAllergy("なし")), banner(withAllergy("なし"))],
    ["S12-allergies-unavailable", "physician", (page) => chart(page, withAllergy("参照不可")), banner(withAllergy("参照不可"))],
    ["S12-allergies-not-recorded", "physician", (page) => chart(page, withAllergy("記録なし")), banner(withAllergy("記録なし"))],
    ["S12-thin", "physician", (page) => chart(page, walkIn), banner(walkIn)],
    ["S13-note", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/note`);
    }, banner(known)],
    ["S13-nothing-written", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/note`);
      await Promise.all([page.waitForEvent("domcontentloaded"), page.click("button[value=only]")]);
    }, banner(known)],
    ["S12-note-signed", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/note`);
      await page.fill("#s", "咳が3日続く。\n熱はない。");
      await page.fill("#temperature", "36.8");
      await Promise.all([page.waitForURL(/done=/), page.click("button[value=print]")]);
    }, banner(known)],
    ["S13-correction", "physician", async (page) => {
      await chart(page, known);
      await page.goto(new URL(await page.getAttribute("a[href*='/note/']", "href"), page.url()).href);
    }, banner(known)],
    ["S16-next", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/next`);
    }, banner(known)],
    ["S16-wrong-day", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/next`);
      await page.fill("#on", "26/12/1");
      await Promise.all([page.waitForEvent("domcontentloaded"), page.click("button.go:visible")]);
    }, banner(known)],
    ["S16-booked", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/next`);
      await page.fill("#on", "2027/1/15");
      await page.fill("#at", "9:30");
      await Promise.all([page.waitForURL(/done=/), page.click("button.go:visible")]);
    }, banner(known)],
    ...paperScreens({ at, open, chart, banner, known, other: here, blanks: await hospital.returnBlanks() }),
    ["S90-printing", "reception", open("/printing")],
    ["S71-packs", "informatics", open("/packs")],
    ["S71-one", "informatics", async (page) => {
      await page.goto(at("/packs"));
      await page.keyboard.press("ArrowDown");
      await Promise.all([page.waitForURL(/\/packs\//), page.keyboard.press("Enter")]);
      assert.match(await page.innerText("main"), /(データ時点|Data as of)/, "the time of the data stands before printing");
    }],
    ["S60p-returned", "informatics", open("/returned")],
    ["S17-temporary", "reception", open("/temporary")],
    ["S17-alike", "reception", async (page) => {
      await page.goto(at("/temporary"));
      await page.type("#kana", "ヤマダ　ハナコ");
      await page.waitForSelector("#alike li");
    }],
    ["S17-registered", "reception", async (page) => {
      await page.goto(at("/temporary"));
      await page.fill("#kana", "シラヌイ　ミオ");
      await page.check("input[name=sex] >> nth=1");
      await page.check("input[name=reason] >> nth=0");
      await page.check("input[name=allergy] >> nth=0");
      await page.fill("#what", "ペニシリンで発疹");
      await Promise.all([page.waitForURL(/done=/), page.click("button.go:visible")]);
    }],
    ["S12-temporary", "physician", async (page) => {
      await search(page, "/patients", "シラヌイ");
      await Promise.all([page.waitForURL(/\/p\//), page.click("#rows a[data-row]")]);
    }, { kana: "シラヌイ ミオ", name: "", id: "" }],
    ["S61-link", "reception", open("/link")],
    ["S61-compare", "reception", async (page) => {
      await page.goto(at("/link"));
      await page.check("input[name=temporary] >> nth=0");
      await page.fill("#number", known.id);
      await Promise.all([page.waitForURL(/compare/), page.click("button.go:visible")]);
    }],
    ["S61-conflicts", "reception", open("/conflicts")],
    ["S80-patient", "privacy", async (page) => {
      await page.goto(at("/audit"));
      await page.fill("#patient", known.id);
      await Promise.all([page.waitForEvent("domcontentloaded"), page.click("button[value=patient]")]);
    }],
    ["S80-one", "privacy", async (page) => {
      await page.goto(at("/audit"));
      await Promise.all([page.waitForURL(/\/audit\/./), page.click("a[data-row]")]);
    }],
    ["S60-work", "informatics", open("/to-enter")],
    ["S60-one", "informatics", async (page) => {
      await page.goto(at("/to-enter"));
      await Promise.all([page.waitForURL(/\/to-enter\/./), page.click(".work-list a[data-row]")]);
    }],
    ["S60-done", "informatics", async (page) => {
      await page.goto(at("/to-enter"));
      await Promise.all([page.waitForURL(/\/to-enter\/./), page.click(".work-list a[data-row]")]);
      await Promise.all([page.waitForEvent("domcontentloaded"), page.click("[data-main]")]);
      await page.goto(at("/to-enter?show=done"));
    }],
    ["S91-help-reception", "reception", open("/help/reception")],
  ]);
});

test("every screen on a station without network", async (all) => {
  await hospital.cutNetwork();
  await reaches("network");
  const known = withAllergy("あり");
  await each(all, "network", [
    ["S02-home", "reception", open("/")],
    ["S03-declare", "informatics", open("/declare")],
    ["S10-reception", "reception", (one) => search(one, "/reception", "ヤマダハ")],
    ["S11-lists", "reception", open("/patients")],
    ["S12-chart", "physician", (one) => chart(one, known), banner(known)],
    ["S60-work", "informatics", open("/to-enter")],
    ["S74-carry", "informatics", open("/carry")],
    ["S74-written", "informatics", async (one) => {
      await one.goto(at("/carry"));
      await one.click("form:has(input[value=out]) button");
      // Only what was read back may be unplugged.
      await one.getByText(/抜いてもかまいません|OK to unplug/).waitFor();
    }],
    ["S74-codes", "informatics", open("/carry/codes?show=1")],
  ]);
});

test("without JavaScript: sign in, receive, sign a note", async () => {
  const clerk = await openPage(browser, { javaScript: false });
  const who = find((person) => person.today.length === 1 && !person.died && people.filter((other) => other.kana === person.kana).length === 1 && person.allergy === "なし");
  await signIn(clerk, "reception");
  await clerk.goto(at("/reception"));
  await clerk.fill("#q", who.id);
  await clerk.press("#q", "Enter");
  assert.match(await clerk.innerText("#card"), new RegExp(shown(who.id)));
  await screenshot(clerk, "S10-no-javascript");
  await clerk.click("#card button[data-main]");
  assert.match(await clerk.innerText(".done"), /受付/);
  const slip = await clerk.request.get(await clerk.getAttribute("a[data-print]", "href").then((href) => at(href)));
  assert.equal(slip.headers()["content-type"], "application/pdf");

  const physician = await openPage(browser, { javaScript: false });
  await signIn(physician, "physician");
  await physician.goto(at("/patients"));
  await physician.fill("#q", who.id);
  await physician.press("#q", "Enter");
  await physician.click("#rows a[data-row]");
  await physician.click("a[href$='/note']");
  await physician.fill("#s", "JavaScript なしで書いた記録。");
  await physician.click("button[value=only]");
  await physician.waitForURL(/done=/);
  assert.match(await physician.innerText("main"), /JavaScript なしで書いた記録/);
  assertNoFaults(clerk);
  assertNoFaults(physician);
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
