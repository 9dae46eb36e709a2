// The demo hospital as a test meets it: the running program with its three addresses and four members of staff, the two
// switches of the control page, and what the hospital's own export says about the patients.
//
// It deliberately knows no screen. Patients are read from the export, never from the product, so that a screen that shows
// the wrong person cannot agree with itself.

import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { PROGRAM, startTomoshibi } from "./lib.mjs";

/** Roles as the demo announces them. */
const ROLES = { 受付: "reception", 医師: "physician", 医療情報: "informatics", 個人情報保護責任者: "privacy" };

/** Starts the demo; `stop()` ends it and removes its folder. */
export async function openHospital(options) {
  const running = await startTomoshibi(options);
  const [control, hub, station] = running.addresses();
  const staff = {};
  for (const [, number, role, password] of running.output().matchAll(/^ {2}(\d+) [^（\n]+（(.+?)） +パスワード (\S+)$/gmu)) {
    staff[ROLES[role]] = { number, password };
  }
  const flip = async (what, to) => {
    const answer = await fetch(new URL(`/switch/${what}/${to}`, control), { method: "POST" });
    if (!answer.ok) throw new Error(`the control page refused ${what} ${to}: ${answer.status}`);
  };
  return {
    control,
    hub,
    station,
    staff,
    folder: running.folder,
    pid: running.pid,
    stop: running.stop,
    stopEhr: () => flip("ehr", "stop"),
    startEhr: () => flip("ehr", "start"),
    cutNetwork: () => flip("line", "stop"),
    mendNetwork: () => flip("line", "start"),
    people: () => people(join(running.folder, "ehr-export")),
    exportEntries: () => exportEntries(running.folder, staff.informatics),
    returnBlanks: () => returnBlanks(running.folder, staff),
    badge: (user) => badge(running.folder, station, staff.informatics, user),
  };
}

/** A file that only its owner reads, as passwords are given to the program. */
function secretFile(folder, name, text) {
  const path = join(folder, name);
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  return path;
}

/**
 * Enrols somebody with a continuity badge and seals the day for them, as the informatics officer does it with the running hub.
 * Gives the digits that a reader reads from the badge, once the station knows whose they are.
 */
async function badge(folder, station, officer, { number, name, role, password }) {
  const config = ["--config", join(folder, "hub", "tomoshibi.toml")];
  const out = join(folder, `badge-${number}.txt`);
  const by = ["--by", officer.number, "--password-file", secretFile(folder, "officer.txt", officer.password)];
  const opens = ["--badge", "--badge-out", out, "--new-password-file", secretFile(folder, "new.txt", password)];
  const run = promisify(execFile);
  await run(PROGRAM, ["user", "add", "--number", number, "--name", name, "--role", role, ...opens, ...by, ...config]);
  // 3: sealed, with findings that somebody should look at; the export has them on purpose.
  await run(PROGRAM, ["extract", "--day", "today", "--no-packs", ...config]).catch((fault) => {
    if (fault.code !== 3) throw fault;
  });
  const scanned = readFileSync(out, "utf8").split("\n")[0];
  const door = { method: "POST", body: new URLSearchParams({ scanned }), headers: { "sec-fetch-site": "same-origin" } };
  for (const deadline = Date.now() + 60_000; ;) {
    const said = await (await fetch(new URL("/sign-in", station), door)).text();
    if (said.includes(name)) return scanned;
    if (Date.now() > deadline) throw new Error(`the station does not know the badge of ${name} within 60 s:\n${said}`);
    await new Promise((done) => { setTimeout(done, 500); });
  }
}

/** Two blank prescriptions are printed at the station, come back as a scan, and are taken in. Gives their numbers. */
async function returnBlanks(folder, { informatics, reception }) {
  const config = ["--config", join(folder, "station", "tomoshibi.toml"), "--json"];
  const as = (who) => ["--user", who.number, "--password-file", secretFile(folder, `${who.number}.txt`, who.password)];
  const run = promisify(execFile);
  const out = join(folder, "blanks");
  const { stdout } = await run(PROGRAM, ["print", "blank", "--form", "F04", "--count", "3", "--out", out, ...as(informatics), ...config]);
  const [set] = JSON.parse(stdout).blanks;
  const inbox = join(folder, "inbox");
  mkdirSync(inbox);
  await run("pdftoppm", ["-gray", "-png", "-r", "200", "-f", "1", "-l", "2", set.file, join(inbox, "scan")]);
  // 3: somebody must say whose they are.
  await run(PROGRAM, ["scan", inbox, ...as(reception), ...config]).catch((fault) => {
    if (fault.code !== 3) throw fault;
  });
  return set.numbers.slice(0, 2);
}

/**
 * Runs `tomoshibi export --csv` on the hub and gives the rows of entries.csv, one object each.
 *
 * UTF-8, so that every character comes back and the program ends with 0.
 */
async function exportEntries(folder, { number, password }) {
  const secret = secretFile(folder, "password.txt", password);
  const out = join(folder, "out");
  const config = join(folder, "hub", "tomoshibi.toml");
  const argv = ["export", "--csv", out, "--charset", "utf-8", "--user", number, "--password-file", secret, "--config", config];
  await promisify(execFile)(PROGRAM, argv);
  return table(readFileSync(join(out, "entries.csv"), "utf8").replace(/^\uFEFF/, ""));
}

/**
 * Everybody in the export: `id`, `kana`, `name`, `sex`, `birth` ({year, month, day}), `phone`, `died`,
 * `today` (bookings), `allergy` (あり, なし, 参照不可, 記録なし) and `thin` (known from the appointment list of the coming days only).
 */
function people(folder) {
  const read = (name) => table(new TextDecoder("shift_jis").decode(readFileSync(join(folder, name))));
  const bookings = readdirSync(folder).filter((name) => name.startsWith("予約一覧_")).flatMap(read);
  const todays = new Map();
  for (const row of bookings) {
    const list = todays.get(row.患者番号) ?? [];
    todays.set(row.患者番号, [...list, { time: row.予約時刻, department: row.科名, order: row.予約番号 }]);
  }
  const allergies = new Map(read("アレルギー禁忌.csv").map((row) => [row.患者番号, row.状態]));
  const full = read("患者基本.csv").map((row) => ({
    id: row.患者番号,
    kana: row.カナ氏名,
    name: row.漢字氏名,
    birth: day(row.生年月日),
    phone: row.携帯電話 || row.電話番号,
    died: row.死亡日 !== "",
    today: todays.get(row.患者番号) ?? [],
    allergy: allergies.get(row.患者番号) ?? "記録なし",
    thin: false,
  }));
  const known = new Set(full.map((person) => person.id));
  const thin = new Map();
  for (const row of read("予約14日.csv")) {
    if (known.has(row.患者番号) || todays.has(row.患者番号)) continue;
    thin.set(row.患者番号, {
      id: row.患者番号,
      kana: row.カナ氏名,
      name: row.患者氏名,
      birth: day(row.生年月日),
      phone: row.電話番号,
      died: false,
      today: [],
      thin: true,
    });
  }
  return [...full, ...thin.values()];
}

const ERAS = { 明治: 1867, 大正: 1911, 昭和: 1925, 平成: 1988, 令和: 2018 };

/** 昭和26年5月12日 or 1951/5/12. */
function day(text) {
  const era = /^(..)(元|\d+)年(\d+)月(\d+)日$/u.exec(text);
  if (era) return { year: ERAS[era[1]] + (era[2] === "元" ? 1 : Number(era[2])), month: Number(era[3]), day: Number(era[4]) };
  const western = /^(\d{4})[/-](\d+)[/-](\d+)$/.exec(text);
  return western ? { year: Number(western[1]), month: Number(western[2]), day: Number(western[3]) } : undefined;
}

/** A CSV file (RFC 4180) with a header as objects. */
export function table(text) {
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    const row = rows[rows.length - 1];
    if (quoted && letter === '"' && text[at + 1] === '"') row[row.length - 1] += text[(at += 1)];
    else if (letter === '"') quoted = !quoted;
    else if (quoted) row[row.length - 1] += letter;
    else if (letter === ",") row.push("");
    else if (letter === "\n") rows.push([""]);
    else if (letter !== "\r") row[row.length - 1] += letter;
  }
  const [header, ...lines] = rows.filter((row) => row.length > 1 || row[0] !== "");
  return lines.map((line) => Object.fromEntries(header.map((name, at) => [name, line[at] ?? ""])));
}

/** What proves this person among namesakes: two digits of the birthday, or the last four of the number when four are asked. */
export function proof(person, digits) {
  return digits === 4 ? person.id.slice(-4) : String(person.birth.day).padStart(2, "0");
}

const VOWELS = "aiueo";
const ROWS = { "": "アイウエオ", k: "カキクケコ", g: "ガギグゲゴ", s: "サ_スセソ", z: "ザ_ズゼゾ", t: "タ__テト", d: "ダ__デド", n: "ナニヌネノ", h: "ハヒ_ヘホ", b: "バビブベボ", m: "マミムメモ", r: "ラリルレロ" };
const SYLLABLES = new Map([["シ", "shi"], ["ジ", "ji"], ["チ", "chi"], ["ツ", "tsu"], ["フ", "fu"], ["ヤ", "ya"], ["ユ", "yu"], ["ヨ", "yo"], ["ワ", "wa"]]);
for (const [consonant, row] of Object.entries(ROWS)) {
  for (const [at, kana] of [...row].entries()) if (kana !== "_") SYLLABLES.set(kana, consonant + VOWELS[at]);
}

/** Hepburn letters of a reading, or `undefined` when it needs more than plain syllables (ン, ッ, ャ, ー). */
export function romaji(kana) {
  const parts = [...kana.replace(/\s/g, "")].map((letter) => SYLLABLES.get(letter));
  return parts.includes(undefined) ? undefined : parts.join("");
}
