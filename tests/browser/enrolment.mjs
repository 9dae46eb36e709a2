// A terminal is enrolled as an officer does it: the code on the hub's screen, typed at a real process, the fingerprint compared.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROGRAM } from "./lib.mjs";

const FINGERPRINT = /([0-9A-F]{4}-){4}[0-9A-F]{4}/;

/** Every page of S82, `look(name)` at each; the page is not signed in before. */
export async function enrolOnScreen(page, hospital, language, look) {
  const there = (path) => new URL(path, hospital.hub).href;
  await page.goto(there(`/sign-in?lang=${language}`));
  await page.fill("#user", hospital.staff.informatics.number);
  await page.fill("#password", hospital.staff.informatics.password);
  await Promise.all([page.waitForURL((url) => url.pathname !== "/sign-in"), page.press("#password", "Enter")]);
  await page.goto(there("/stations/invite"));
  await look("S82-invite");
  await page.fill("#wards", "3E");
  await page.click("form button.go:visible");
  await look("S82-code");
  const code = (await page.locator(".secret").innerText()).trim();
  assert.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}$/, "a code of five groups");
  const dir = mkdtempSync(join(tmpdir(), "tomoshibi-join-"));
  const argv = ["station", "join", "--dir", join(dir, "ward"), "--hub", new URL(hospital.hub).origin, "--code", code];
  const joining = spawn(PROGRAM, argv, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => { joining.once("exit", resolve); });
  try {
    const fingerprint = await new Promise((resolve, reject) => {
      let said = "";
      joining.stdout.on("data", (bytes) => {
        said += bytes;
        const found = FINGERPRINT.exec(said);
        if (found) resolve(found[0]);
      });
      ended.then(() => reject(new Error(`it ended: ${said}`)));
    });
    await page.waitForFunction(async (wanted) => (await (await fetch("/stations")).text()).includes(wanted), fingerprint, { polling: 500 });
    await page.goto(there("/stations"));
    await look("S82-waiting");
    await page.locator("tr", { hasText: fingerprint }).locator("a[data-row]").click();
    await look("S82-compare");
    assert.equal((await page.locator(".secret").innerText()).trim().replace(/\s+/g, "-"), fingerprint);
    await page.check("input[name=same]");
    await Promise.all([page.waitForURL(/did=approved/), page.click("form button.go:visible")]);
    await look("S82-enrolled");
    assert.equal(await ended, 0, "the terminal is set up");
  } finally {
    joining.kill();
    rmSync(dir, { recursive: true, force: true });
  }
  await page.locator("tbody a[data-row]", { hasText: /^W/ }).first().click();
  await look("S82-one");
}
