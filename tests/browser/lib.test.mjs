// Proof that the tools in lib.mjs find what they are there to find, on two still pages: one clean, one faulty.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  accessibilityBreaches,
  assertAccessible,
  assertNoFaults,
  launch,
  OLD_PC,
  openPage,
  screenshot,
  startProgram,
} from "./lib.mjs";

const place = (name) => new URL(`./pages/${name}.html`, import.meta.url).href;

let browser;
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser?.close();
});

test("a clean page passes", async () => {
  const page = await openPage(browser);
  await page.goto(place("clean"));
  await assertAccessible(page, "clean");
  assertNoFaults(page);
});

test("a faulty page is reported, each fault by its rule", async () => {
  const page = await openPage(browser);
  await page.goto(place("faulty"));
  const breaches = (await accessibilityBreaches(page)).join("\n");
  for (const rule of ["html-has-lang", "label", "color-contrast", "image-alt"]) assert.match(breaches, new RegExp(rule));
  await assert.rejects(assertAccessible(page, "faulty"), /axe finds 4/);
  const faults = page.faults().join("\n");
  assert.match(faults, /asks another host: http:\/\/192\.0\.2\.1\/outside\.png/);
  assert.match(faults, /throws: 出すべきでない誤り/);
  assert.throws(() => assertNoFaults(page));
});

test("an empty page does not count as accessible", async () => {
  const page = await openPage(browser);
  await page.setContent("<!doctype html><html><head></head><body></body></html>");
  await assert.rejects(assertAccessible(page, "empty"));
});

test("a picture has the size of the old PC's screen", async () => {
  const page = await openPage(browser, { language: "en" });
  assert.equal(await page.evaluate(() => navigator.language), "en-US");
  await page.goto(place("clean"));
  const path = await screenshot(page, "lib-test-clean", "en");
  assert.ok(existsSync(path));
  const header = readFileSync(path).subarray(16, 24);
  assert.deepEqual({ width: header.readUInt32BE(0), height: header.readUInt32BE(4) }, OLD_PC);
});

test("a page without JavaScript can be asked for", async () => {
  const page = await openPage(browser, { javaScript: false });
  await page.goto(place("faulty"));
  assert.ok(!page.faults().some((fault) => fault.startsWith("throws")));
});

test("a program is awaited by the address it prints, and stopped", async () => {
  const script = `
    const server = require("node:http").createServer((_, answer) => answer.end("ok"));
    server.listen(0, "127.0.0.1", () => console.log("ready: http://127.0.0.1:" + server.address().port + "/ (demo)"));`;
  const folder = mkdtempSync(join(tmpdir(), "tomoshibi-browser-"));
  const program = await startProgram(process.execPath, ["-e", script], folder);
  assert.match(program.address, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  assert.equal(await (await fetch(program.address)).text(), "ok");
  await program.stop();
  await assert.rejects(fetch(program.address));
  assert.ok(!existsSync(folder));
});

test("a program that ends or does not exist is an error that shows what it wrote", async () => {
  const dying = ["-e", 'console.error("no export found"); process.exit(2)'];
  await assert.rejects(startProgram(process.execPath, dying), /ended with 2[^]*no export found/);
  await assert.rejects(startProgram("./no-such-program", []), /could not be started/);
});
