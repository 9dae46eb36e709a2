// Screens of a declared downtime from which paper leaves: prescriptions, orders, labels, payments, notebooks, the print menu.
// The walk through them, their pictures and what is asked of every screen are in screens.test.mjs.

import assert from "node:assert/strict";

/** The cases, in the order of a visit: name, role, steps, identity in the banner. */
export function paperScreens({ at, open, chart, banner, known, other, blanks }) {
  /** Reads somebody's notebook, as a scanner types it, into the chart of a person. */
  async function notebook(page, person, holder, more = "") {
    await chart(page, person);
    await page.goto(`${page.url()}/notebook`);
    const { year, month, day } = holder.birth;
    const birth = `${year}${String(month).padStart(2, "0")}${String(day).padStart(2, "0")}`;
    const sex = { 男: 1, 女: 2 }[holder.sex?.[0]] ?? "";
    await page.fill("#text-1", `JAHISTC08,1\n1,${holder.name},${sex},${birth},,,,,,,${holder.kana}\n2,1,卵で発疹,1\n5,20261102,1\n`
      + "11,さくら町薬局,13,4,1234567,,,03-0000-2222,1\n51,みなと内科医院,13,1,7654321,1\n55,港　一郎,内科,1\n201,1,架空降圧錠５ｍｇ,1,錠,1,,1,,,\n"
      + `301,1,1日1回 朝食後,28,日分,1,1,,1\n${more}`);
    await Promise.all([page.waitForEvent("domcontentloaded"), page.click("form[action$='/notebook'] button.go")]);
  }

  return [
    ["S14-rx", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/rx`);
    }, banner(known)],
    ["S14-wrong", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/rx`);
      await page.check("input[name=allergy]");
      await page.fill("input[name=name] >> nth=0", "アムロジピン錠5mg");
      await Promise.all([page.waitForEvent("domcontentloaded"), page.click("button.go:visible")]);
      assert.match(await page.innerText("[role=alert]:visible"), /アムロジピン錠5mg/, "it says which line");
    }, banner(known)],
    ["S14-issued", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/rx`);
      await page.check("input[name=allergy]");
      await page.check("input[name=again]:enabled >> nth=0");
      await Promise.all([page.waitForURL(/done=/), page.click("button.go:visible")]);
      const paper = await page.request.get(new URL(await page.getAttribute("[data-print]", "href"), page.url()).href);
      assert.equal(paper.headers()["content-type"], "application/pdf", "the prescription is printed");
    }, banner(known)],
    ["S14-again", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/rx`);
      assert.ok(await page.isVisible("#issued"), "what was issued stands above");
    }, banner(known)],
    ["S18-labels", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/print`);
      await Promise.all([page.waitForURL(/s=/), page.click("form[action='/print/labels'] button")]);
    }, banner(known)],
    ["S60p-returned", "reception", open("/returned")],
    ["S60p-named", "reception", async (page) => {
      await page.goto(at("/returned"));
      const field = page.locator(`form:has(input[value="${blanks[0]}"]) input[name=patient]`).first();
      // The second language finds it named already.
      if (await field.isVisible()) {
        await field.fill(known.id);
        await Promise.all([page.waitForEvent("domcontentloaded"), field.press("Enter")]);
        await page.check("input[name=seen]:focus");
        await Promise.all([page.waitForURL(/named=/), page.keyboard.press("Enter")]);
      }
      await page.click(`section:has(input[value="${blanks[0]}"]) summary`);
    }],
    ["S60p-mending", "reception", async (page) => {
      await page.goto(at("/returned"));
      await page.click(`section:has(input[value="${blanks[0]}"]) summary`);
      await page.fill(`#m${blanks[0]}`, other.id);
      await page.fill(`#r${blanks[0]}`, "紙の氏名は別の人");
      await Promise.all([page.waitForEvent("domcontentloaded"), page.press(`#r${blanks[0]}`, "Enter")]);
      const both = await page.innerText("section[aria-labelledby=mending]");
      for (const who of [known, other]) {
        assert.ok(both.includes(`${who.id.slice(0, 4)} ${who.id.slice(4)}`), `${who.id} stands beside the other: ${both}`);
      }
      await page.locator("#mending").scrollIntoViewIfNeeded();
    }],
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
    ["S19-notebook", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/notebook`);
    }, banner(known)],
    ["S19-other-person", "physician", (page) => notebook(page, known, { ...known, name: "架空　太郎", kana: "カクウ　タロウ" }), banner(known)],
    ["S19-part-missing", "physician", (page) => notebook(page, known, known, "911,20261102101500,3,1\n"), banner(known)],
    ["S19-read", "physician", (page) => notebook(page, known, known), banner(known)],
    ["S12-notebook", "physician", async (page, language) => {
      await notebook(page, known, known, language === "en" ? "401,眠気に注意,1\n" : "");
      await Promise.all([page.waitForURL(/done=/), page.click("form[action$='/keep'] button")]);
      assert.match(await page.innerText("[aria-labelledby=p-notebook]"), /架空降圧錠/, "it stands beside");
      assert.doesNotMatch(await page.innerText("[aria-labelledby=p-drugs]"), /架空降圧錠/, "and not among the prescriptions");
    }, banner(known)],
    ["S14-notebook", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/rx`);
      assert.match(await page.innerText("[aria-labelledby=p-notebook]"), /架空降圧錠/);
    }, banner(known)],
    ["S18-print-menu", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/print`);
    }, banner(known)],
    ["S18-printed", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/print`);
      await page.selectOption("#language", "en");
      await Promise.all([page.waitForURL(/[?&]s=/), page.click("button[value=F02]")]);
    }, banner(known)],
    ["S15-laboratory", "physician", async (page) => {
      await chart(page, known);
      await Promise.all([page.waitForURL(/\/orders/), page.keyboard.press("Alt+KeyK")]);
      assert.ok(await page.isVisible(".order-ticks input"), "the list of a hospital without one of its own");
    }, banner(known)],
    ["S15-imaging", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/orders?kind=imaging`);
      assert.ok(await page.isVisible(".order-before"), "kidneys and pregnancy before an image");
    }, banner(known)],
    ["S15-wrong", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/orders?kind=treatment`);
      await page.check("input[name=allergy]");
      await page.check("input[name=row] >> nth=0");
      await page.fill("input[name=name-0]", "フロセミド注 20 mg");
      await page.fill("input[name=amount-0]", "20");
      await Promise.all([page.waitForEvent("domcontentloaded"), page.click("button.go:visible")]);
      assert.match(await page.innerText("[role=alert]:visible"), /フロセミド注 20 mg/, "it says which line");
      assert.ok(await page.isChecked("input[name=row] >> nth=0"), "what was ticked stays ticked");
    }, banner(known)],
    ["S15-issued", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/orders`);
      await page.focus("input[name=tick] >> nth=0");
      await page.keyboard.press("Space");
      await page.fill("#other", "髄液の細胞数");
      await Promise.all([page.waitForURL(/done=/), page.keyboard.press("Control+Enter")]);
      const paper = await page.request.get(new URL(await page.getAttribute("[data-print]", "href"), page.url()).href);
      assert.equal(paper.headers()["content-type"], "application/pdf", "the order is printed");
    }, banner(known)],
    ["S15-cancelled", "physician", async (page) => {
      await chart(page, known);
      await page.goto(`${page.url()}/orders`);
      assert.ok(await page.isVisible(".order-ticks .tag"), "what was ordered today says so");
      await page.fill("#ordered ~ ul input[name=reason] >> nth=0", "採血の項目をまちがえた");
      await Promise.all([page.waitForURL(/done=/), page.click("#ordered ~ ul form[action$='/void'] button >> nth=0")]);
      assert.ok(await page.isVisible("li.struck"), "it stays to be seen");
    }, banner(known)],
  ];
}
