// A person at a keyboard: keys are pressed, counted and nothing else is touched. Every wait is for what the person would
// wait for: the next page with the caret where it belongs.
//
// It deliberately has no click, no fill and no navigation by address after the first page.

import { openPage } from "./lib.mjs";

/** How long anything on a screen may take before the story fails (milliseconds). */
const PATIENCE = Number(process.env.TOMOSHIBI_PATIENCE ?? 20_000);

/** Opens `address` and hands over the keyboard. */
export async function sitDown(browser, address, options) {
  const page = await openPage(browser, options);
  page.setDefaultTimeout(PATIENCE);
  const person = new Person(page);
  await page.goto(address);
  return person;
}

export class Person {
  /** Keys pressed since somebody set it to 0. */
  presses = 0;
  /** Addresses of the sheets the page fetched for printing. */
  paper = new Set();

  constructor(page) {
    this.page = page;
    page.on("response", (response) => {
      if (response.headers()["content-type"] === "application/pdf" && response.status() === 200) this.paper.add(response.url());
    });
  }

  async press(key, times = 1) {
    for (let n = 0; n < times; n += 1) {
      this.presses += 1;
      await this.page.keyboard.press(key);
    }
  }

  /** Typed as it comes out of the input method, or letter by letter on the Latin keyboard. */
  async type(text) {
    this.presses += [...text].length;
    await this.page.keyboard.type(text);
  }

  /** Presses a key that leads to another page, and waits until that page has loaded its scripts. */
  async follow(key) {
    const arrived = this.page.waitForEvent("domcontentloaded");
    await this.press(key);
    await arrived;
  }

  /** Waits until the caret is in the element that `selector` names. */
  async at(selector) {
    await this.page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);
  }

  /** Tab until the focus is on `selector`. */
  async tabTo(selector, most = 60) {
    for (let n = 0; n < most; n += 1) {
      if (await this.page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
      await this.press("Tab");
    }
    throw new Error(`${selector} is not within ${most} tabs on ${this.page.url()}`);
  }

  /** A bar code reader: digits at machine speed and Enter, wherever the caret is. Not counted: nobody presses anything. */
  async scan(digits) {
    this.reader ??= await this.page.context().newCDPSession(this.page);
    const keys = [...digits].map((digit) => ({ key: digit, code: `Digit${digit}`, text: digit, windowsVirtualKeyCode: digit.charCodeAt(0) }));
    keys.push({ key: "Enter", code: "Enter", text: "\r", windowsVirtualKeyCode: 13 });
    // Stamped 4 ms apart as a reader sends them, so that the load of this machine does not make it a slow typist.
    const start = Date.now() / 1000;
    const send = (type, key, n) => this.reader.send("Input.dispatchKeyEvent", { type, timestamp: start + n * 0.004, ...key });
    await Promise.all(keys.flatMap((key, n) => [send("keyDown", key, n), send("keyUp", key, n)]));
  }

  /** Signs in with number and password. */
  async signIn({ number, password }) {
    await this.at("#user");
    await this.type(number);
    await this.press("Tab");
    // Pasted, as from a password manager: letter by letter at machine speed its last digits would look like a scanner.
    await this.page.keyboard.insertText(password);
    await this.follow("Enter");
  }

  /** Waits until the mode bar says `mode`. */
  async seesMode(mode) {
    await this.page.waitForFunction((wanted) => document.getElementById("bar")?.dataset.mode === wanted, mode);
  }

  /** The entry that the page says was just recorded. */
  recorded() {
    const entry = new URL(this.page.url()).searchParams.get("done");
    if (entry === null) throw new Error(`nothing was recorded before ${this.page.url()}`);
    return entry;
  }

  /** Waits until the page has fetched every sheet it announces, and gives their PDFs. */
  async sheets() {
    const links = await this.page.$$eval("a[data-print]", (all) => all.map((link) => link.href));
    const fetched = [];
    for (const link of links) {
      if (!this.paper.has(link)) await this.page.waitForResponse(link, { timeout: PATIENCE });
      const answer = await this.page.request.get(link);
      const bytes = await answer.body();
      if (bytes.subarray(0, 5).toString() !== "%PDF-") throw new Error(`${link} is no PDF`);
      fetched.push(bytes);
    }
    return fetched;
  }
}
