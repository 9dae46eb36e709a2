// Makes the pictures of the READMEs: `node pictures.mjs` writes docs/pictures/*.png from the running program.
//
// Screens as staff see them on a morning without the EHR, and two printed sheets. It judges nothing; the stories do.

import { execFileSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openHospital, proof } from "./hospital.mjs";
import { launch, openPage } from "./lib.mjs";

const OUT = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "docs", "pictures");
/** Largest picture (bytes): they are downloaded by whoever opens the README. */
const MOST = 300_000;
/** People received before the pictures are taken. */
const RECEIVED = 12;

mkdirSync(OUT, { recursive: true });
const hospital = await openHospital();
const browser = await launch();
try {
  await takeAll();
} finally {
  await browser.close();
  await hospital.stop();
}

async function takeAll() {
  const people = hospital.people();
  const [first] = people;
  const clerk = await signIn("reception", "ja");
  await hospital.stopEhr();
  // On a page of its own: it loads itself again when the mode turns.
  const watch = await openPage(browser);
  await watch.goto(at("/help/home"));
  await watch.waitForFunction(() => document.getElementById("bar").dataset.mode === "silent");
  await clerk.goto(at("/declare"));
  await Promise.all([clerk.waitForURL(/done=/), clerk.click("form button.go:visible")]);

  for (const person of people.filter((one) => one.today.length === 1 && !one.died).slice(2, 2 + RECEIVED)) await receive(clerk, person);
  await search(clerk, "/reception", "ヤマダハ");
  await take(clerk, "S10-ja");
  const english = await signIn("reception", "en");
  await search(english, "/reception", "yamadaha");
  await take(english, "S10-en");
  await receive(clerk, first);
  sheet(await paper(clerk), "F01");

  const physician = await signIn("physician", "ja");
  await search(physician, "/patients", first.id);
  await Promise.all([physician.waitForURL(/\/p\//), physician.click("#rows a[data-row]")]);
  await take(physician, "S12-ja");
  await Promise.all([physician.waitForURL(/[?&]s=/), physician.click("form[action='/print/chart'] button")]);
  sheet(await paper(physician), "F02");

  const officer = await signIn("informatics", "ja");
  await officer.goto(at("/"));
  await take(officer, "S02-ja");
}

function at(path) {
  return new URL(path, hospital.station).href;
}

async function signIn(role, language) {
  const page = await openPage(browser, { language });
  await page.goto(at(`/sign-in?lang=${language}`));
  await page.fill("#user", hospital.staff[role].number);
  await page.fill("#password", hospital.staff[role].password);
  await Promise.all([page.waitForURL((url) => url.pathname !== "/sign-in"), page.press("#password", "Enter")]);
  return page;
}

async function search(page, path, text) {
  await page.goto(at(path));
  await page.fill("[data-search]", text);
  await page.waitForFunction((typed) => document.querySelector("form[data-live]").answered === typed, text);
}

async function receive(page, person) {
  await search(page, "/reception", person.id);
  const digits = await page.evaluate(() => document.querySelector("#card .day input")?.maxLength);
  if (digits) await page.fill("#card .day input", proof(person, digits));
  await Promise.all([page.waitForURL(/done=/), page.click("#card [data-main]")]);
}

/** The PDF the page offers. */
async function paper(page) {
  const link = await page.getAttribute("a[data-print]", "href");
  return (await page.request.get(at(link))).body();
}

async function take(page, name) {
  await page.evaluate(() => document.fonts.ready.then(() => true));
  const path = join(OUT, `${name}.png`);
  await page.screenshot({ path, animations: "disabled" });
  weigh(path);
}

/** The first page of a sheet as a picture, in grey as the printer makes it. */
function sheet(pdf, name) {
  const file = join(hospital.folder, `${name}.pdf`);
  writeFileSync(file, pdf);
  execFileSync("pdftoppm", ["-r", "70", "-gray", "-png", "-f", "1", "-l", "1", "-singlefile", file, join(OUT, name)]);
  weigh(join(OUT, `${name}.png`));
}

function weigh(path) {
  const { size } = statSync(path);
  if (size > MOST) throw new Error(`${path} has ${size} bytes, at most ${MOST} are wanted`);
  console.log(`${path} ${Math.round(size / 1000)} kB`);
}
