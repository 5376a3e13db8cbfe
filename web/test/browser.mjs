// Walks through the console in a real browser. test/e2e/web_test.py starts it beside a real fleet, and
// does what it asks for in lines on stdout ("want: commit"); each answer is a line on stdin.
//
//   node browser.mjs URL CHROMIUM DIRECTORY   (URL with its code; screenshots go to DIRECTORY)
//
// Prints "ok: what" or "failed: what: why" for each story, and exits 1 if any failed.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.cwd() + "/");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [link, program, directory] = process.argv.slice(2);
const origin = new URL(link).origin;
const PATIENCE = 60_000;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function want(what) {
  console.log(`want: ${what}`);
  const { value } = await lines.next();
  return value;
}

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1360, height: 900 } });
// The page's own rules hold for the page; axe comes through the debugger.
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE);
const faults = [];
page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
page.on("dialog", async (dialog) => { faults.push(`dialog: ${dialog.message()}`); await dialog.dismiss(); });
page.on("console", (line) => {
  // A page asks for what is not there on purpose; its own checks see to that.
  if (line.type() === "error" && !/status of (401|404|400)|ERR_|net::/.test(line.text())) faults.push(`console: ${line.text()}`);
});
page.on("request", (request) => { if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) faults.push(`outside: ${request.url()}`); });

let failures = 0;
async function story(what, tell) {
  try {
    await tell();
    if (faults.length > 0) throw new Error(faults.splice(0).join("; "));
    console.log(`ok: ${what}`);
  } catch (error) {
    failures += 1;
    console.log(`failed: ${what}: ${String(error.message).split("\n").slice(0, 6).join(" | ")}`);
    await page.screenshot({ path: `${directory}/failed-${failures}.png` }).catch(() => {});
  }
}

function check(condition, why) { if (!condition) throw new Error(why); }
const shows = (text) => page.getByText(text).first().waitFor();
const picture = (name) => page.screenshot({ path: `${directory}/${name}.png`, fullPage: false });
const tile = (name) => page.locator(`a.tile[href="/clusters/${name}"]`);
const tileIs = (name, state) => page.locator(`a.tile[href="/clusters/${name}"][aria-label*="${state}"]`).waitFor();

async function accessible(name) {
  for (const theme of ["light", "dark"]) {
    await page.evaluate((wanted) => { document.documentElement.dataset.theme = wanted; }, theme);
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] }));
    const said = found.violations.map((one) => `${one.id} (${one.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")})`);
    check(said.length === 0, `${name}, ${theme}: ${said.join("; ")}`);
    await picture(`${name}-${theme}`);
  }
  await page.evaluate(() => { delete document.documentElement.dataset.theme; });
}

async function narrow(name) {
  await page.setViewportSize({ width: 390, height: 844 });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await picture(`${name}-phone`);
  await page.setViewportSize({ width: 1360, height: 900 });
  check(over <= 0, `${name} is ${over} pixels wider than a phone`);
}

// ---------------------------------------------------------------- the stories

await story("without a session there is the way to get one", async () => {
  await page.goto(`${origin}/`);
  await shows("You are not signed in");
  await accessible("signin");
});

await story("a code signs in, and leaves the address", async () => {
  await page.goto(link);
  await shows("muster");
  await tile("prod-1").waitFor();
  check(page.url() === `${origin}/`, `the address is ${page.url()}`);
});

await story("the fleet page says at once whether every cluster passes", async () => {
  for (const name of ["dev-1", "prod-1", "prod-2"]) await tileIs(name, "Converged");
  await page.locator(".headline", { hasText: "3 of 3 clusters pass muster" }).waitFor();
  await page.locator(".pulse.live").waitFor();
  await accessible("fleet");
  await narrow("fleet");
});

await story("tiles are grouped by a label and filtered by the selector's syntax", async () => {
  await page.selectOption("select", "env");
  await page.locator(".group h2", { hasText: "prod" }).waitFor();
  check(new URL(page.url()).searchParams.get("groupBy") === "env", "the address does not keep the group");
  await accessible("fleet-groups");
  await page.fill("#search", "env in (prod)");
  await tile("dev-1").waitFor({ state: "detached" });
  await page.reload();
  await tile("prod-1").waitFor();
  check(await tile("dev-1").count() === 0, "the filter is gone after a reload");
  await page.fill("#search", "env in prod");
  await page.getByRole("alert").waitFor();
  await page.fill("#search", "");
  await tile("dev-1").waitFor();
});

await story("the keyboard alone leads from the filter to a cluster", async () => {
  await page.goto(`${origin}/`);
  await tile("dev-1").waitFor();
  await page.keyboard.press("/");
  check(await page.evaluate(() => document.activeElement?.id) === "search", "/ does not lead to the filter");
  await tile("dev-1").focus();
  await page.keyboard.press("ArrowRight");
  check(await page.evaluate(() => document.activeElement?.getAttribute("href")) === "/clusters/prod-1", "the arrow does not lead to the next tile");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "prod-1" }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
});

await story("a cluster's page shows what it runs, its objects and its history", async () => {
  await page.goto(`${origin}/clusters/prod-1`);
  await page.getByRole("rowheader", { name: "web", exact: true }).first().waitFor();
  await page.getByRole("rowheader", { name: /ConfigMap.*settings/ }).waitFor();
  await page.getByText("web/settings.yaml:1").waitFor();
  await accessible("cluster");
  await narrow("cluster");
});

await story("script in a commit's subject is text", async () => {
  await page.goto(`${origin}/repositories`);
  await page.getByText("<img src=x onerror=alert(1)>").first().waitFor();
  await accessible("repositories");
  await narrow("repositories");
});

for (const [path, heading] of [["/packages", "Packages"], ["/packages/web", "web"], ["/events", "Events"]]) {
  await story(`the page ${path} is whole and accessible`, async () => {
    await page.goto(origin + path);
    await page.getByRole("heading", { level: 1, name: heading }).waitFor();
    await page.locator("table, .tile").first().waitFor();
    await accessible(path.slice(1).replace("/", "-"));
    await narrow(path.slice(1).replace("/", "-"));
  });
}

await story("a commit's journey is seen as it happens", async () => {
  await page.goto(`${origin}/`);
  await tile("prod-1").waitFor();
  await want("commit");
  const item = page.locator(".journey li", { hasText: /the third commit.*apps/ });
  await item.waitFor();
  await item.getByText("3 of 3 clusters").waitFor();
  await picture("journey");
});

await story("drift appears by itself, with the field and both values, as a snowflake, and goes", async () => {
  await want("drift");
  await tileIs("prod-2", "Drifted");
  await picture("drift");
  await tile("prod-2").click();
  const difference = page.locator(".difference");
  await difference.getByText("/data/banner").first().waitFor();
  await difference.locator("del", { hasText: "changed by hand" }).waitFor();
  await difference.locator("ins", { hasText: "third" }).waitFor();
  await accessible("cluster-drift");
  await page.goto(`${origin}/snowflakes`);
  const first = page.locator(".snowflake").first();
  await first.getByRole("link", { name: "prod-2" }).waitFor();
  await first.getByText("1 of 3 clusters").waitFor();
  await first.getByText("/data/banner").waitFor();
  await first.locator("del", { hasText: "changed by hand" }).waitFor();
  await first.locator("ins", { hasText: "third" }).waitFor();
  await accessible("snowflakes");
  await narrow("snowflakes");
  await page.fill("#search", "env=dev");
  await page.getByText("Clusters that should be equal are equal").waitFor();
  await page.fill("#search", "");
  await first.waitFor();
  await want("mend");
  await first.waitFor({ state: "detached" });
  await page.goto(`${origin}/clusters/prod-2`);
  await difference.first().waitFor({ state: "detached" });
});

await story("a plan says what a branch would change", async () => {
  await want("branch");
  await page.goto(`${origin}/plan`);
  await page.fill("#search", "my-branch");
  await page.getByRole("button", { name: "Make the plan" }).click();
  await page.getByText("3 of 3 clusters").waitFor();
  await page.locator("ins", { hasText: "planned" }).first().waitFor();
  await accessible("plan");
  await narrow("plan");
  await page.fill("#search", "no-such-branch");
  await page.getByRole("button", { name: "Make the plan" }).click();
  await page.getByRole("alert").waitFor();
});

await story("the audit log tells who did what, and is verified in the browser", async () => {
  await page.goto(`${origin}/audit`);
  await page.getByRole("rowheader", { name: "CreateToken" }).first().waitFor();
  await page.getByRole("rowheader", { name: "ClusterEnrolled" }).first().waitFor();
  await page.getByRole("button", { name: /Verify/ }).click();
  await page.getByText(/records, none changed/).waitFor();
  await accessible("audit");
  await narrow("audit");
  await page.route("**/api/v1/audit-lines*", async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    if (body.lines.length > 1) body.lines[1] = body.lines[1].replace("time", "Time");
    await route.fulfill({ response: answer, json: body });
  });
  await page.getByRole("button", { name: /Verify/ }).click();
  await page.getByText("Not as it was written").waitFor();
  await page.unroute("**/api/v1/audit-lines*");
  await page.fill("#search", "CreateToken");
  await page.getByRole("rowheader", { name: "ClusterEnrolled" }).first().waitFor({ state: "detached" });
});

await story("a rollout shows its waves, what it waits for and the command for it, and goes on by itself", async () => {
  await want("roll");
  await page.goto(`${origin}/rollouts`);
  await page.getByRole("rowheader", { name: "slow" }).waitFor();
  await page.getByText("a person’s approval").waitFor();
  await accessible("rollouts");
  await narrow("rollouts");
  await page.getByRole("link", { name: "slow" }).click();
  await page.getByRole("heading", { level: 1, name: "Rollout of slow" }).waitFor();
  await page.getByRole("rowheader", { name: "canary" }).waitFor();
  await page.getByText(/muster rollout approve slow --release [0-9a-f]{64}/).first().waitFor();
  await accessible("rollout");
  await narrow("rollout");
  await want("approve");
  await page.locator(".axes", { hasText: "Complete" }).waitFor();
  await page.getByRole("heading", { name: "Approvals" }).waitFor();
});

await story("a hub that is away is said to be, and what was there stays", async () => {
  await page.goto(`${origin}/`);
  await tile("prod-1").waitFor();
  await want("stop the hub");
  await page.locator(".pulse.lost").waitFor();
  check(await tile("prod-1").count() === 1, "the fleet is gone from the page");
  await picture("hub-away");
  await want("start the hub");
  // Sessions are in the hub's memory: it asks to sign in again.
  await shows("Your session has ended");
  faults.length = 0;
});

await story("5,000 clusters are on one page, usable at once and without jank", async () => {
  const clusters = Array.from({ length: 5000 }, (_, i) => [
    `cluster-${String(i).padStart(4, "0")}`, `region-${i % 20}`, i % 97 === 0 ? "Degraded" : i % 31 === 0 ? "OutOfSync" : "Converged", 0, ""]);
  const count = (state) => clusters.filter((one) => one[2] === state).length;
  const states = ["Degraded", "OutOfSync", "Converged"].map((state) => ({ state, count: count(state) }));
  await page.route("**/api/v1/tiles*", (route) => route.fulfill({ json: {
    apiVersion: "", kind: "FleetTiles", total: 5000, matching: 5000, groupBy: "region", labelKeys: ["region"], states, clusters } }));
  await page.goto(await want("sign in"));
  await tile("cluster-4999").waitFor({ state: "attached" });
  check(await page.locator("a.tile").count() === 5000, "not every cluster has a tile");
  await page.goto(`${origin}/?groupBy=region`);
  const took = await page.evaluate(async () => {
    const ready = () => document.querySelectorAll("a.tile").length === 5000;
    while (!ready()) await new Promise((next) => setTimeout(next, 5));
    await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
    return Math.round(performance.now());
  });
  console.log(`figure: 5,000 clusters usable ${took} ms after the navigation began`);
  await tile("cluster-0000").focus();
  await page.keyboard.press("ArrowRight");
  check(await page.evaluate(() => document.activeElement?.getAttribute("href")) === "/clusters/cluster-0020", "the arrow keys do not work");
  await picture("fleet-5000");
  await narrow("fleet-5000");
  await page.unroute("**/api/v1/tiles*");
});

await browser.close();
process.exit(failures === 0 ? 0 : 1);
