// The page behind the desktop icon, opened from this machine's own disk: it finds a desk that answers, or says where to go.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join, dirname } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { assertAccessible, assertNoFaults, launch, openPage, PROGRAM, screenshot, startTomoshibi } from "./lib.mjs";

const REVIEWED = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "fixtures", "icon", "page.html");

let browser;
let demo;
let folder;
const doors = [];

/** A door in front of a desk that can be shut, opened again, or left without an answer. */
async function door(to) {
  const held = new Set();
  let server;
  const state = { mode: "open", port: 0 };
  const open = async () => {
    server = createServer((from) => {
      held.add(from);
      from.on("close", () => held.delete(from)).on("error", () => {});
      if (state.mode === "hangs") return;
      if (state.mode === "another") {
        from.once("data", () => from.end("HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"));
        return;
      }
      const behind = connect(to.port, to.hostname);
      behind.on("error", () => from.destroy());
      from.pipe(behind).pipe(from);
    });
    await new Promise((done) => server.listen(state.port, "127.0.0.1", done));
    state.port = server.address().port;
  };
  const shut = async () => {
    held.forEach((from) => from.destroy());
    if (server?.listening) await new Promise((done) => server.close(done));
  };
  await open();
  return {
    address: `http://127.0.0.1:${state.port}`,
    set: async (mode) => {
      await shut();
      state.mode = mode;
      if (mode !== "shut") await open();
    },
  };
}

before(async () => {
  browser = await launch();
  demo = await startTomoshibi({ arguments: ["--patients", "20", "--beds", "0"] });
  // The first address is that of the panel.
  const [hub, station] = demo.addresses().slice(1, 3).map((address) => new URL(address));
  doors.push(await door(hub), await door(station));
  folder = mkdtempSync(join(tmpdir(), "tomoshibi-icon-"));
  const config = join(demo.folder, "hub", "tomoshibi.toml");
  const hubs = doors.map((one) => JSON.stringify(one.address)).join(", ");
  appendFileSync(config, `\n[icon]\nhubs = [${hubs}]\nphone = "内線 4119"\n[icon.places]\nR03 = "3階東 看護詰所"\n`);
  execFileSync(PROGRAM, ["icon", "-c", config, "--out", folder]);
});

after(async () => {
  await Promise.all(doors.map((one) => one.set("shut")));
  await browser?.close();
  await demo?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const own = () => pathToFileURL(join(folder, "tomoshibi.html")).href;

async function arrives(page, place) {
  await page.waitForURL((url) => url.href.startsWith(doors[place].address), { timeout: 30_000 });
}

async function icon() {
  const page = await openPage(browser);
  await page.goto(own(), { waitUntil: "commit" });
  return page;
}

test("the first desk that answers is opened", async () => {
  const page = await icon();
  await arrives(page, 0);
  assert.match(await page.title(), /./);
  assertNoFaults(page);
  await page.context().close();
});

test("hub 1 is gone, hangs, or is another program: hub 2 is opened", async () => {
  for (const mode of ["shut", "hangs", "another"]) {
    await doors[0].set(mode);
    const page = await icon();
    await arrives(page, 1);
    await page.context().close();
  }
  await doors[0].set("open");
});

test("both are gone: the page says since when and where to go, and opens by itself when one is back", async () => {
  await doors[0].set("shut");
  await doors[1].set("shut");
  const page = await icon();
  await page.getByText("画面を開けません").waitFor();
  const text = await page.locator("main").innerText();
  for (const words of ["3階東 看護詰所", "R03", "内線 4119", "から、院内の拠点（hub）が応えません", "現在です"]) {
    assert.ok(text.includes(words), `${words} in ${text}`);
  }
  const since = await page.locator("#since").innerText();
  assert.equal(await page.evaluate(() => document.activeElement?.id), "again");
  const tried = await page.locator("#tried").innerText();
  await page.waitForFunction((before) => document.getElementById("tried").innerText !== before, tried, { timeout: 30_000 });
  assert.equal(await page.locator("#since").innerText(), since, "the beginning stays");
  await assertAccessible(page, "the icon's page");
  await doors[1].set("open");
  await arrives(page, 1);
  await page.context().close();
  await doors[0].set("open");
});

test("Enter tries at once", async () => {
  await doors[0].set("shut");
  await doors[1].set("shut");
  const page = await icon();
  await page.getByText("画面を開けません").waitFor();
  await doors[0].set("open");
  await page.keyboard.press("Enter");
  await arrives(page, 0);
  await page.context().close();
  await doors[1].set("open");
});

test("the page of a whole hospital, with its own ward first, reads well and holds no more than text", async () => {
  const page = await openPage(browser);
  await page.goto(pathToFileURL(REVIEWED).href);
  await page.getByText("画面を開けません").waitFor();
  const first = await page.locator(".wards li").first().innerText();
  assert.match(first, /この場所：3階東病棟/);
  assert.match(first, /R03[\s\S]*R04/);
  await assertAccessible(page, "the icon's page of a whole hospital");
  await screenshot(page, "icon-away", "ja");
  await screenshot(page, "icon-away-whole", "ja", { whole: true });
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  assert.equal(sideways, false);
  await page.context().close();
});

test("without JavaScript the addresses can be pressed", async () => {
  const page = await openPage(browser, { javaScript: false });
  await page.goto(own());
  assert.ok((await page.locator("main").innerText()).includes("自動で開けません"));
  await page.getByRole("link", { name: doors[0].address }).click();
  await arrives(page, 0);
  await page.context().close();
});

test("the launchers point at the page", () => {
  assert.match(readFileSync(join(folder, "灯火.url"), "utf8"), /URL=file:\/\/\/C:\/Tomoshibi\/tomoshibi\.html/);
  assert.match(readFileSync(join(folder, "tomoshibi.desktop"), "utf8"), /Exec=xdg-open \/opt\/tomoshibi\/tomoshibi\.html/);
});
