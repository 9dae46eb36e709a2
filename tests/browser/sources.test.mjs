// A hospital whose EHR gives no CSV: the informatics officer writes the sources into the configuration, extracts, and the desk shows the
// right allergies, medicines and origins. SS-MIX2, HL7 (received by the running hub), FHIR, a PostgreSQL of this machine, and two of them
// at once.
//
// One hub for all of them, set up with the commands of docs/operating; one patient of whom the invented hospital's own tables say what
// must be shown.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { assertAccessible, assertNoFaults, launch, openPage, PROGRAM, screenshot, startProgram } from "./lib.mjs";

/** The list of a downtime is today's, so the hospital is made for today (by the wall clock of Japan). */
const DAY = new Date(Date.now() + 9 * 3_600_000).toISOString().slice(0, 10);
const LANGUAGES = ["ja", "en"];
const PASSWORDS = { officer: "灯りは消えない夜の海辺 9001", privacy: "守る人は静かに見ている 9101", doctor: "聴診器と万年筆の午後 2001" };
const run = promisify(execFile);

/** Of the invented hospital's own tables: who is shown, and what must be. */
const OUT = { id: "00123456", name: /山田\s*花子/ };
const IN = {};

let folder;
let config;
let wards;
let browser;
let database;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "tomoshibi-sources-"));
  browser = await launch();
  const dir = join(folder, "hub");
  config = join(dir, "tomoshibi.toml");
  const secret = (name) => {
    const path = join(folder, `${name}.txt`);
    writeFileSync(path, `${PASSWORDS[name]}\n`, { mode: 0o600 });
    return path;
  };
  const first = ["--hospital", "灯里市立病院", "--user", "9001", "--name", "灯山　明", "--password-file", secret("officer")];
  const second = ["--privacy-user", "9101", "--privacy-name", "守山　望", "--privacy-password-file", secret("privacy")];
  await run(PROGRAM, ["init", "--dir", dir, ...first, ...second]);
  const doctor = ["--number", "2001", "--name", "佐藤　一郎", "--role", "physician", "--new-password-file", secret("doctor")];
  await run(PROGRAM, ["user", "add", ...doctor, "--by", "9001", "--password-file", secret("officer"), "--config", config]);
  for (const shape of ["a", "ssmix2", "hl7", "fhir", "sql"]) {
    const plan = ["--patients", "60", "--beds", "12", "--date", DAY, "--shape", shape];
    await run(PROGRAM, ["synth", ...plan, "--out", join(folder, shape)]);
  }
  const wardNames = rows("病棟.csv").map((row) => [row.病棟コード, row.病棟名]);
  wards = wardNames.map(([code, name]) => `"${code}" = "${name}"`).join("\n");
  const of = (name, id) => rows(name).filter((row) => row.患者番号 === id);
  OUT.shown = [...of("アレルギー禁忌.csv", OUT.id).map((row) => row.名称), ...of("処方.csv", OUT.id).map((row) => row.薬品名)];
  // Somebody who is not moved on the day itself: where they lie would depend on the hour of the test.
  const moved = readdirSync(join(folder, "ssmix2"), { recursive: true }).map(String).filter((path) => path.endsWith("ADT-42"));
  const stays = ({ 患者番号: id }) => !moved.some((path) => path.includes(id));
  const due = rows("与薬予定.csv").find((row) => row.区分 === "内服" && stays(row));
  const bed = of("入院患者.csv", due.患者番号)[0];
  Object.assign(IN, { id: due.患者番号, medicine: due.薬品名, place: [new Map(wardNames).get(bed.病棟コード), `${bed.病室}-${bed.病床}`] });
  // The booking system exports who is booked and nothing clinical.
  const mapping = readFileSync(new URL("../../fixtures/hospital/a/mapping.toml", import.meta.url), "utf8").split(/^(?=\[\[files\]\])/m);
  const booking = mapping.filter((part) => !part.startsWith("[[files]]") || /^kind = "(patient|appointment)"$/m.test(part));
  writeFileSync(join(folder, "mapping.toml"), booking.join(""));
  database = await startDatabase(join(folder, "sql", "postgresql.sql"));
});
after(async () => {
  await browser?.close();
  await database?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Rows of a table of the hospital; the columns read here hold neither quotes nor commas before them. */
function rows(name) {
  const text = new TextDecoder("shift_jis").decode(readFileSync(join(folder, "a", name)));
  const [head, ...lines] = text.trim().split(/\r?\n/).map((line) => line.split(","));
  return lines.map((cells) => Object.fromEntries(head.map((column, at) => [column, cells[at]])));
}

/**
 * The EHR's database with the hospital in it, on a socket in a folder of its own. It refuses to run as root: then it runs as the user
 * that its package made.
 */
async function startDatabase(script) {
  const versions = readdirSync("/usr/lib/postgresql").sort((a, b) => a - b);
  const bin = join("/usr/lib/postgresql", versions.at(-1), "bin");
  const at = mkdtempSync(join(tmpdir(), "tomoshibi-ehr-"));
  const root = process.getuid() === 0;
  if (root) await run("chown", ["postgres", at]);
  const own = (program, ...args) => {
    const command = root ? ["runuser", "-u", "postgres", "--", join(bin, program)] : [join(bin, program)];
    return run(command[0], [...command.slice(1), ...args], { cwd: "/" });
  };
  await own("initdb", "-D", join(at, "data"), "-U", "ehr", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync");
  const options = `-c listen_addresses='' -c unix_socket_directories='${at}' -c fsync=off`;
  await own("pg_ctl", "-D", join(at, "data"), "-l", join(at, "log"), "-o", options, "-w", "start");
  const ask = (...args) => run(join(bin, "psql"), ["-X", "-q", "-h", at, "-U", "ehr", "-d", "postgres", "-v", "ON_ERROR_STOP=1", ...args]);
  await ask("-c", "CREATE ROLE reader LOGIN; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader");
  await ask("-f", script);
  const stop = async () => {
    await own("pg_ctl", "-D", join(at, "data"), "-m", "immediate", "stop");
    rmSync(at, { recursive: true, force: true });
  };
  return { at, stop };
}

/** What the hospital writes for each source. */
const SOURCES = {
  table: () => `[[extract.sources]]
type = "table"
name = "予約システム"
dir = "${join(folder, "a")}"
mapping = "${join(folder, "mapping.toml")}"
`,
  ssmix2: () => `[[extract.sources]]
type = "ssmix2"
name = "SS-MIX2"
roots = ["${join(folder, "ssmix2/STD/4810009999_2026")}", "${join(folder, "ssmix2/STD/4810009999_ALL")}"]
extended = ["${join(folder, "ssmix2/ANX/4810009999_EXT")}"]
[extract.sources.wards]
${wards}
`,
  hl7: () => `[[extract.sources]]
type = "hl7"
name = "電文"
feed = "ehr"
whole_lists = true
[extract.sources.wards]
${wards}
`,
  sql: () => `[[extract.sources]]
type = "sql"
name = "EHR-DB"
database = "postgresql"
host = "${database.at}"
dbname = "postgres"
user = "reader"
queries = "${join(folder, "sql/queries")}"
mapping = "${join(folder, "sql/mapping.toml")}"
`,
  fhir: () => `[[extract.sources]]
type = "fhir"
name = "FHIR"
dir = "${join(folder, "fhir")}"
`,
};

let plain;
let declared = false;

/** Writes the configuration with these sources, and a free port for the screens and the feed. */
async function configure(names, port) {
  plain ??= readFileSync(config, "utf8").replace(/^# .*\n/gm, "");
  const listening = plain.replace(/listen = "[^"]*"/, 'listen = "127.0.0.1:0"');
  const feed = names.includes("hl7") ? `\n[[feed]]\nname = "ehr"\nlisten = "127.0.0.1:${port}"\nsenders = ["127.0.0.1"]\n` : "";
  writeFileSync(config, `${listening}\n[extract]\nrefresh_minutes = 0\n${names.map((name) => SOURCES[name]()).join("\n")}${feed}`);
}

/** A port that is free now. */
async function freePort() {
  const { createServer } = await import("node:net");
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Sends a stream of MLLP frames, each after the answer to the one before it. Gives how many were accepted. */
async function send(port, bytes) {
  const frames = [];
  const now = new Date(Date.now() + 9 * 3_600_000).toISOString().replace(/\D/g, "").slice(0, 14);
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(Buffer.from([0x1c, 0x0d]), from) + 2;
    const frame = bytes.subarray(from, end);
    // What the hospital's day has not brought yet (MSH-7) is not sent.
    if (frame.toString("latin1").split("|", 7)[6] <= now) frames.push(frame);
    from = end;
  }
  const socket = connect(port, "127.0.0.1");
  let accepted = 0;
  await new Promise((done, failed) => {
    let heard = Buffer.alloc(0);
    const next = () => (frames.length > 0 ? socket.write(frames.shift()) : socket.end(done));
    socket.on("connect", next).on("error", failed);
    socket.on("data", (answer) => {
      heard = Buffer.concat([heard, answer]);
      for (let end; (end = heard.indexOf(0x1c)) >= 0 && heard.length > end + 1;) {
        accepted += heard.subarray(0, end).toString("latin1").includes("MSA|AA") ? 1 : 0;
        heard = heard.subarray(end + 2);
        next();
      }
    });
  });
  return accepted;
}

const extract = () => run(PROGRAM, ["extract", "--day", DAY, "--accept", "--no-packs", "--config", config]).then(
  ({ stdout }) => stdout,
  // 3: sealed, with findings that somebody should look at.
  (fault) => {
    if (fault.code !== 3) throw fault;
    return fault.stdout;
  },
);

const serve = () => startProgram(PROGRAM, ["serve", "--config", config]);

async function signIn(page, address, number, password) {
  await page.goto(new URL("/sign-in", address).href);
  await page.fill("#user", number);
  await page.fill("#password", password);
  await Promise.all([page.waitForURL((url) => url.pathname !== "/sign-in"), page.press("#password", "Enter")]);
}

/** Patient screens open when a responsible person has declared that the EHR has stopped; it holds for all stories of this hub. */
async function declare(address) {
  const page = await openPage(browser);
  await signIn(page, address, "2001", PASSWORDS.doctor);
  await page.goto(new URL("/declare", address).href);
  await Promise.all([page.waitForURL(/done=/), page.click("form button.go:visible")]);
  await page.context().close();
}

const words = (page) => page.evaluate(() => document.body.innerText.replace(/\s+/g, " "));

/** What the desk shows of these sources, in both languages. */
async function look(address, { name, booked = true, origins = [], ready: listed }) {
  for (const language of LANGUAGES) {
    const page = await openPage(browser, { language });
    await page.goto(new URL(`/sign-in?lang=${language}`, address).href);
    await signIn(page, address, "2001", PASSWORDS.doctor);
    const goTo = (path) => page.goto(new URL(path, address).href);
    const chart = async (id) => {
      await goTo("/patients");
      await page.fill("[data-search]", id);
      await page.waitForFunction((typed) => document.querySelector("form[data-live]").answered === typed, id);
      await Promise.all([page.waitForURL(/\/p\//), page.click("#rows a[data-row]")]);
    };
    const shown = async (picture, open) => {
      await open;
      await page.evaluate(() => document.fonts.ready.then(() => true));
      await screenshot(page, `sources-${name}-${picture}`, language);
      assertNoFaults(page);
      return words(page);
    };
    if (booked) {
      assert.match(await shown("list", goTo("/patients")), OUT.name, `${name} ${language}: the list`);
      const coming = await shown("outpatient", chart(OUT.id));
      for (const word of [...OUT.shown, ...origins]) assert.ok(coming.includes(word), `${name} ${language}: ${word} in ${coming}`);
    }
    const lying = await shown("inpatient", chart(IN.id));
    for (const word of [IN.medicine, ...IN.place]) assert.ok(lying.includes(word), `${name} ${language}: ${word} in ${lying}`);
    await assertAccessible(page, `sources-${name}-inpatient-${language}`);
    await signIn(page, address, "9001", PASSWORDS.officer);
    const ready = await shown("readiness", goTo("/readiness"));
    for (const origin of listed) assert.ok(ready.includes(origin), `${name} ${language}: ${origin} on S70: ${ready}`);
    await page.context().close();
  }
}

/** `origins` on the panels of a chart, `ready` in the table of S70. */
const STORIES = [
  // A storage has no appointments: alone it gives the wards.
  { name: "ssmix2", sources: ["ssmix2"], booked: false, ready: ["ADT-00"] },
  { name: "sql", sources: ["sql"], ready: ["_prescription.sql"] },
  { name: "fhir", sources: ["fhir"], ready: ["MedicationRequest.ndjson"] },
  { name: "table-ssmix2", sources: ["table", "ssmix2"], origins: ["SS-MIX2"], ready: ["予約システム", "SS-MIX2"] },
  { name: "hl7", sources: ["hl7"], ready: ["HL7"] },
  { name: "hl7-fhir", sources: ["hl7", "fhir"], origins: ["電文"], ready: ["電文", "FHIR"] },
];

for (const story of STORIES) {
  const { name, sources } = story;
  test(`${name}: from the configuration to the desk`, async () => {
    const port = await freePort();
    await configure(sources, port);
    let hub;
    if (name === "hl7") {
      hub = await serve();
      const sent = await send(port, readFileSync(join(folder, "hl7", "stream.mllp")));
      assert.ok(sent > 500, `${sent} messages accepted`);
    }
    if (name === "sql") {
      // As docs/operating/sql.md says, before the first night.
      const { stdout } = await run(PROGRAM, ["map", "--check", "--day", DAY, "--config", config]).catch((fault) => fault);
      assert.match(stdout, /07_prescription\.sql/);
      assert.match((await run(PROGRAM, ["doctor", "--config", config]).catch((fault) => fault)).stdout, /EHR-DB/);
    }
    const said = await extract();
    if (process.env.TOMOSHIBI_SHOW) console.log(said);
    hub ??= await serve();
    try {
      if (!declared) await declare(hub.address);
      declared = true;
      await look(hub.address, story);
    } finally {
      await hub.stop();
    }
  });
}
