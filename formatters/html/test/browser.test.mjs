// Drives the reports in a browser, as files, with no network: what they show, what can be done with a
// mouse and with a keyboard, and that nothing in them acts that should not.
//
// CHROMIUM names the browser, REPORTS a directory of reports made beforehand; .ci/peers makes them.

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const reports = process.env.REPORTS;
if (!reports) throw new Error("REPORTS names no directory of reports: run make browser");
const shots = fileURLToPath(new URL("../shots", import.meta.url));
mkdirSync(shots, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const all = readdirSync(reports).filter((f) => f.endsWith(".html")).map((f) => f.slice(0, -5)).sort();

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
});
after(() => browser?.close());

// open shows a report and watches it: trouble collects everything that must not happen.
async function open(name, { fragment = "", ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  const trouble = [];
  page.on("console", (m) => trouble.push(`console ${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => trouble.push(`error: ${e.message}`));
  page.on("dialog", (d) => {
    trouble.push(`dialog: ${d.message()}`);
    void d.dismiss();
  });
  const file = pathToFileURL(join(reports, name + ".html")).href;
  page.on("request", (r) => {
    if (r.url().split("#")[0] !== file && r.url() !== "data:,") trouble.push(`request: ${r.url()}`);
  });
  await context.route(/^(?!file:|data:)/, (route) => route.abort());
  await page.goto(file + fragment);
  if (options.javaScriptEnabled !== false) await page.waitForSelector("html.ready", { state: "attached" });
  return { page, trouble, close: () => context.close() };
}

const rowsShown = (page, table) => page.locator(`table[data-name="${table}"] tbody tr:visible`).count();
// clickNode clicks on the name of a node, not on its sign to open it.
const clickNode = (node) => node.locator(".name").first().click();
const node = (page, name) => page.locator(`.node[aria-label^="${name} "]`);

for (const name of all) {
  test(`${name}: opens alone, shows its answer, does nothing by itself`, async () => {
    const { page, trouble, close } = await open(name);
    assert.ok(await page.locator("h1").isVisible());
    assert.notEqual((await page.locator("h1").innerText()).trim(), "");
    assert.match(await page.locator("#answer .seen").innerText(), /Coverage:/);
    // Touch what there is to touch: names meet every part of the script.
    if (await page.locator(".node").count()) {
      await clickNode(page.locator(".node").first());
      assert.ok(await page.locator("#panel").isVisible());
    }
    if (await page.locator("button.sort").count()) await page.locator("button.sort").first().click();
    await page.locator("#search").fill("a");
    await page.waitForTimeout(250);
    assert.equal(await page.evaluate(() => window.tripped), undefined);
    assert.deepEqual(trouble, []);
    await close();
  });
}

for (const name of ["alice", "can", "deny", "resource", "escalations", "roles", "compare", "doctor", "hostile", "many"].filter((n) => all.includes(n))) {
  for (const scheme of ["light", "dark"]) {
    test(`${name}, ${scheme}: axe finds nothing serious`, async () => {
      const { page, close } = await open(name, { colorScheme: scheme });
      page.setDefaultTimeout(10_000);
      const first = page.locator(".node").first();
      if (await first.count()) await clickNode(first);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      const serious = violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`);
      assert.deepEqual(serious, []);
      await close();
    });
  }
  test(`${name}: pictures, and nothing wider than the window`, async () => {
    for (const [label, options] of [["light", {}], ["dark", { colorScheme: "dark" }], ["narrow", { viewport: { width: 400, height: 800 } }]]) {
      const { page, close } = await open(name, options);
      await page.screenshot({ path: join(shots, `${name}-${label}.png`), fullPage: name !== "many" });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(over <= 0, `${label}: ${over} pixels too wide`);
      if (label === "light" && name !== "many") await page.pdf({ path: join(shots, `${name}.pdf`), format: "A4" });
      await close();
    }
  });
}

test("a search and the filters act on the map and the tables alike", async () => {
  const { page, trouble, close } = await open("alice");
  const grants = await rowsShown(page, "grants");
  const nodes = await page.locator(".node").count();
  await page.locator("#search").fill("main.sales.orders");
  await page.waitForFunction((n) => document.querySelectorAll(".node").length < n, nodes);
  assert.equal(await node(page, "main.sales.orders").getAttribute("class"), "node thing hit");
  assert.equal(await node(page, "prod_lakehouse").count(), 0);
  const found = await rowsShown(page, "grants");
  assert.ok(found > 0 && found < grants);
  assert.match(await page.locator("#map .status").innerText(), /filtered out/);
  await page.getByRole("button", { name: "Clear" }).click();
  assert.equal(await rowsShown(page, "grants"), grants);
  await page.locator("#facet-privilege").selectOption("MODIFY");
  for (const cell of await page.locator('table[data-name="grants"] tbody tr:visible').allInnerTexts()) assert.match(cell, /MODIFY/);
  assert.ok((await page.locator(".node").count()) < nodes);
  await page.locator("#facet-privilege").selectOption("");
  await page.locator("#facet-severity").selectOption("high");
  for (const text of await page.locator('table[data-name="escalations"] tbody tr:visible').allInnerTexts()) assert.match(text, /high/);
  assert.equal(await page.locator(".line.medium").count(), 0);
  assert.ok((await page.locator(".line.high").count()) > 0);
  await page.locator("#facet-severity").selectOption("");
  await page.locator("#facet-workspace").selectOption("staging");
  assert.equal(await node(page, "prod_lakehouse").count(), 0);
  assert.equal(await node(page, "staging_scratch").count(), 1);
  assert.deepEqual(trouble, []);
  await close();
});

test("catalogs open to schemas and tables, and the path of what is clicked lights up", async () => {
  const { page, trouble, close } = await open("alice");
  await page.getByRole("button", { name: "Close all" }).click();
  assert.equal(await node(page, "prod_lakehouse.silver").count(), 0);
  await node(page, "prod_lakehouse").locator(".toggle").click();
  assert.equal(await node(page, "prod_lakehouse.silver").count(), 1);
  assert.equal(await node(page, "prod_lakehouse.silver.events").count(), 0);
  await node(page, "prod_lakehouse.silver").locator(".toggle").click();
  await clickNode(node(page, "prod_lakehouse.silver.events"));
  for (const lit of ["alice@acme.test", "pipelines-oncall", "data-engineering", "prod_lakehouse.silver", "prod_lakehouse.silver.events"]) {
    assert.match(await node(page, lit).getAttribute("class"), /\blit\b/, lit);
  }
  for (const dim of ["partner_corp", "sales_share"]) assert.match(await node(page, dim).getAttribute("class"), /\bdim\b/, dim);
  const panel = page.locator("#panel");
  assert.match(await panel.innerText(), /alice@acme\.test → member of pipelines-oncall → member of data-engineering → owner of \(OWNER\) prod_lakehouse\.silver\.events/);
  assert.match(await panel.innerText(), /usable in prod/);
  await panel.getByRole("button", { name: "Close" }).click();
  assert.equal(await page.locator(".node.dim").count(), 0);
  assert.deepEqual(trouble, []);
  await close();
});

test("the map is used by keyboard alone", async () => {
  const { page, close } = await open("alice");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the answer");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "answer");
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
  assert.equal(await page.locator('.node[tabindex="0"]').count(), 1);
  await page.locator('.node[tabindex="0"]').focus();
  assert.match(await focused(), /^alice@acme\.test user/);
  await page.keyboard.press("ArrowRight");
  assert.doesNotMatch(await focused(), /^alice/);
  const before = await focused();
  await page.keyboard.press("Enter");
  assert.equal(await focused(), before);
  assert.ok(await page.locator("#panel").isVisible());
  await page.keyboard.press("Escape");
  assert.ok(await page.locator("#panel").isHidden());
  const closed = page.locator('.node[aria-label*="closed"]').first();
  const name = await closed.getAttribute("aria-label");
  const nodes = await page.locator(".node").count();
  await closed.focus();
  await page.keyboard.press("+");
  assert.match(await focused(), new RegExp("^" + name.split(" ")[0].replaceAll(".", "\\.") + " .*, open"));
  assert.ok((await page.locator(".node").count()) > nodes);
  await page.keyboard.press("-");
  assert.equal(await focused(), name);
  await close();
});

test("every part that can be used shows where the keyboard is", async () => {
  const { page, close } = await open("alice");
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    const bare = await page.evaluate(() => {
      const e = document.activeElement;
      if (e === document.body) return null;
      const style = getComputedStyle(e.matches(".node") ? e.querySelector(".face") : e);
      return e.matches(".node") ? (parseFloat(style.strokeWidth) > 2 ? null : e.outerHTML.slice(0, 120)) : style.outlineStyle === "none" ? e.outerHTML.slice(0, 120) : null;
    });
    assert.equal(bare, null);
  }
  await close();
});

test("tables sort by their headers and say so", async () => {
  const { page, close } = await open("alice");
  const column = () => page.locator('table[data-name="grants"] tbody tr:visible td:nth-child(2)').allInnerTexts();
  const held = await column();
  const head = page.locator('table[data-name="grants"] th[data-key="object"]');
  await head.getByRole("button").click();
  assert.equal(await head.getAttribute("aria-sort"), "ascending");
  const up = await column();
  assert.deepEqual(up, [...up].sort(new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare));
  await head.getByRole("button").click();
  assert.equal(await head.getAttribute("aria-sort"), "descending");
  assert.deepEqual((await column())[0], up.at(-1));
  await head.getByRole("button").click();
  assert.equal(await head.getAttribute("aria-sort"), null);
  assert.deepEqual(await column(), held);
  await page.locator('table[data-name="escalations"] th[data-key="severity"] button').click();
  assert.match((await page.locator('table[data-name="escalations"] tbody tr:visible').first().innerText()), /high/);
  await page.getByRole("searchbox", { name: "Filter Grants" }).fill("staging_scratch");
  assert.equal(await rowsShown(page, "grants"), 1);
  assert.match(await page.locator("#t-grants .tools").innerText(), /1 row that pass, of \d+|1 row/);
  await close();
});

test("a link to the report shows the same view", async () => {
  const first = await open("alice");
  await first.page.locator("#search").fill("sales");
  await first.page.waitForTimeout(250);
  await clickNode(node(first.page, "main.sales"));
  await first.page.locator('table[data-name="grants"] th[data-key="object"] button').click();
  await first.page.waitForTimeout(300);
  const fragment = new URL(first.page.url()).hash;
  assert.match(fragment, /q=sales/);
  assert.doesNotMatch(fragment, /alice/);
  const view = async (page) => ({
    nodes: await page.locator(".node").evaluateAll((all) => all.map((e) => e.getAttribute("aria-label") + e.getAttribute("class"))),
    rows: await page.locator('table[data-name="grants"] tbody tr:visible').allInnerTexts(),
    panel: await page.locator("#panel").innerText(),
    sort: await page.locator('th[aria-sort="ascending"]').count(),
  });
  const want = await view(first.page);
  await first.close();
  const second = await open("alice", { fragment });
  assert.deepEqual(await view(second.page), want);
  assert.deepEqual(second.trouble, []);
  await second.close();
});

test("a fragment made by somebody else does no harm", async () => {
  const { page, trouble, close } = await open("alice", { fragment: "#node=99999&open=b99999.x.-1.4e9&shut=%3Cscript%3E&sort.grants=nothing&sort.x=y&filter.grants=%3Cimg%20src=x%3E&privilege=%3Cb%3E&q=%22%3E%3Cscript%3E" });
  assert.equal(await page.locator(".node").count(), 0);
  assert.deepEqual(trouble, []);
  await close();
});

test("without a script there is the answer, the coverage and every row", async () => {
  const { page, trouble, close } = await open("alice", { javaScriptEnabled: false });
  assert.match(await page.locator("h1").innerText(), /^alice@acme\.test can use/);
  assert.equal(await rowsShown(page, "grants"), await page.locator('table[data-name="grants"] tbody tr').count());
  assert.match(await page.locator("#map").innerText(), /drawn by a script/);
  assert.ok(await page.locator("#filters").isHidden());
  // The browser itself may say that it blocked scripts; nothing else may be said.
  assert.deepEqual(trouble.filter((t) => !t.startsWith("console")), []);
  await close();
});

test("paper has every row and the map, and no tools", async () => {
  const { page, close } = await open("can");
  const rows = () => page.locator('table[data-name="proofs"] tbody tr').count();
  const [, all] = (await page.locator("#t-proofs .tools").innerText()).match(/of ([\d,]+) rows/);
  assert.equal(await rows(), 50);
  await page.evaluate(() => window.addEventListener("beforeprint", () => (window.printed = document.querySelectorAll('table[data-name="proofs"] tbody tr').length)));
  await page.pdf();
  assert.equal(await page.evaluate(() => window.printed), Number(all));
  assert.equal(await rows(), 50);
  await page.emulateMedia({ media: "print" });
  assert.ok(await page.locator("#stage svg").isVisible());
  assert.ok(await page.locator("#filters").isHidden());
  await close();
});

test("names too long for their place can be read whole", async () => {
  const { page, close } = await open("resource");
  const long = node(page, "access-auditor (a0d17000-0000-4000-8000-000000002001)");
  assert.equal(await long.locator(".name").textContent(), "access-auditor (a0d17000-0000-4000-8000-000000002001)");
  await clickNode(long);
  assert.equal(await page.locator("#panel h3").innerText(), "access-auditor (a0d17000-0000-4000-8000-000000002001)");
  await close();
});

test("5,000 grants: collapsed, and never frozen (figures beside their limits)", async () => {
  const { page, trouble, close } = await open("many");
  assert.ok((await page.locator(".node").count()) <= 140);
  assert.equal(await rowsShown(page, "grants"), 50);
  await close();
  const times = [];
  for (let i = 0; i < 3; i++) {
    const again = await open("many");
    times.push(await again.page.evaluate(() => performance.getEntriesByName("ready")[0].startTime));
    if (i === 2) {
      const act = async (label, limit, action, done) => {
        const start = Date.now();
        await action();
        await again.page.waitForFunction(done);
        console.log(`5,000 grants: ${label} ${Date.now() - start} ms of ${limit} ms`);
      };
      await act("search", 1000, () => again.page.locator("#search").fill("name_04999"), () => document.querySelectorAll('table[data-name="grants"] tbody tr').length === 1);
      await act("clear", 1000, () => again.page.getByRole("button", { name: "Clear" }).click(), () => document.querySelectorAll('table[data-name="grants"] tbody tr').length === 50);
      await act("sort", 1000, () => again.page.locator('table[data-name="grants"] th[data-key="object"] button').click(), () => !!document.querySelector("th[aria-sort]"));
      await act("open all", 1000, () => again.page.getByRole("button", { name: "Open all" }).click(), () => document.querySelectorAll(".node").length > 20);
      assert.ok((await again.page.locator(".node").count()) <= 140);
    }
    await again.close();
  }
  times.sort((a, b) => a - b);
  console.log(`5,000 grants: interactive after ${Math.round(times[1])} ms of 2000 ms (median of 3)`);
  assert.deepEqual(trouble, []);
});
