// What every browser test stands on: Chromium, the running program, pictures, and the accessibility check.
//
// It deliberately knows no screen of the product: paths, words and keys belong to the tests. Nothing here waits for a
// fixed time; every wait is for the thing itself, with a deadline.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const HERE = dirname(fileURLToPath(import.meta.url));
const TARGET = resolve(process.env.TOMOSHIBI_TARGET ?? join(HERE, "..", "..", "target"));
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The screen of the old PC everything is designed for. */
export const OLD_PC = { width: 1366, height: 768 };

/** WCAG 2.2 level AA and everything below it. */
export const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** How long the program may take until it says its address (milliseconds): the promise is 60 s on an idle machine. */
const START_DEADLINE = 120_000;

const CHROMIUM_FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts Chromium: `CHROMIUM` names another one than Debian's. */
export function launch() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
}

/**
 * Opens an empty page on the old PC's screen.
 *
 * `page.faults()` lists what no page of ours may do: ask another host than this machine for something, break the
 * content security policy, throw, or write an error to the console. `page.forget()` empties that list.
 */
export async function openPage(browser, { language = "ja", size = OLD_PC, javaScript = true } = {}) {
  const context = await browser.newContext({
    viewport: size,
    locale: language === "ja" ? "ja-JP" : "en-US",
    timezoneId: "Asia/Tokyo",
    serviceWorkers: "block",
    javaScriptEnabled: javaScript,
  });
  const faults = [];
  await context.route("**/*", (route) => {
    const url = new URL(route.request().url());
    const stays = ["file:", "data:", "blob:", "about:"].includes(url.protocol) ||
      ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
    if (stays) return route.continue();
    // The browser's own PDF viewer is no host, and it is not started: printing for real, it crashes a page without a screen.
    if (!isBrowsersOwn(url.href)) faults.push(`asks another host: ${url.href}`);
    return route.abort();
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`throws: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !isBrowsersOwn(message.location().url)) faults.push(`console: ${message.text()}`);
  });
  page.faults = () => [...faults];
  page.forget = () => faults.splice(0);
  return page;
}

function isBrowsersOwn(address) {
  return /^chrome(-extension)?:/.test(address);
}

/** Fails if the page did anything no page of ours may do. */
export function assertNoFaults(page) {
  const faults = page.faults();
  if (faults.length > 0) throw new Error(`${page.url()}:\n  ${faults.join("\n  ")}`);
}

/** Saves a picture as target/screenshots/<name>-<language>.png and gives its path. `whole`: beyond the screen's foot. */
export async function screenshot(page, name, language = "ja", { whole = false } = {}) {
  const folder = join(TARGET, "screenshots");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}-${language}.png`);
  await page.screenshot({ path, fullPage: whole, animations: "disabled" });
  return path;
}

/** What axe finds on the page as it is now: one line for each place, with the rule and how to mend it. */
export async function accessibilityBreaches(page) {
  // Evaluated through the debugger, so the page's content security policy stays as strict as it is.
  for (const frame of page.frames()) await frame.evaluate(AXE);
  const found = await page.evaluate(
    (tags) => window.axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] }),
    AXE_TAGS,
  );
  if (found.passes.length === 0) throw new Error(`axe judged nothing on ${page.url()}: is the page empty?`);
  return found.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id} (${rule.help}): ${node.target.join(" ")}\n    ${node.html.slice(0, 200)}`)
  );
}

/** Fails with every place axe finds. */
export async function assertAccessible(page, name) {
  const breaches = await accessibilityBreaches(page);
  if (breaches.length > 0) throw new Error(`axe finds ${breaches.length} on ${name}:\n  ${breaches.join("\n  ")}`);
}

/** The program under test, built in release mode. */
export const PROGRAM = process.env.TOMOSHIBI_PROGRAM ?? join(TARGET, "release", "tomoshibi");

/**
 * Starts the program's demo in a folder of its own and waits until it has said everything.
 *
 * Gives `address`, `addresses` (all it printed), `folder`, `output()`, `pid` and `stop()`.
 */
export async function startTomoshibi({ arguments: more = [], program = PROGRAM } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tomoshibi-browser-"));
  const argv = ["demo", "--no-open", "--port", "0", "--dir", folder, ...more];
  // The last line of the announcement: addresses and passwords are all above it.
  const running = await startProgram(program, argv, folder, (output) => /Ctrl\+C.*\n/.test(output));
  return { ...running, folder };
}

/** Starts any program that prints `http://…` when it is `ready`; `folder` is removed when it stops. */
export async function startProgram(program, argv, folder, isReady = firstAddress) {
  const child = spawn(program, argv, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const gone = new Promise((done) => {
    child.once("exit", (code, signal) => done(`ended with ${code ?? signal}`));
    child.once("error", (error) => done(`could not be started: ${error.message}`));
  });
  const ready = new Promise((done) => {
    const read = (bytes) => {
      output += bytes;
      if (isReady(output)) done(null);
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) child.kill("SIGTERM");
    await gone;
    if (folder) rmSync(folder, { recursive: true, force: true });
  };
  let timer;
  const late = new Promise((done) => {
    timer = setTimeout(() => done(`said no address within ${START_DEADLINE / 1000} s`), START_DEADLINE);
  });
  const trouble = await Promise.race([ready, gone, late]);
  clearTimeout(timer);
  if (trouble !== null) {
    await stop();
    throw new Error(`${program} ${argv.join(" ")} ${trouble}. It wrote:\n${output}`);
  }
  return {
    address: firstAddress(output),
    addresses: () => [...output.matchAll(ADDRESS)].map((match) => match[0]),
    output: () => output,
    pid: child.pid,
    stop,
  };
}

// Only an address whose line is complete: a port may come in two pieces.
const ADDRESS = /https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):\d+[^\s]*(?=[\s])/g;

function firstAddress(output) {
  return output.match(ADDRESS)?.[0];
}
