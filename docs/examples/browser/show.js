/** Prints what a page says once it has decided: `node show.js CHROMIUM ADDRESS`. */

import { chromium } from "playwright-core";

const [executablePath, address] = process.argv.slice(2);
const args = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
    "--disable-component-update --disable-sync";
const browser = await chromium.launch({ executablePath, args: args.split(" ") });
try {
    const page = await browser.newPage();
    await page.goto(address);
    await page.waitForFunction(() => document.querySelector("#state").textContent !== "deciding", null, { timeout: 120_000 });
    for (const row of await page.locator("tr").all()) console.log((await row.locator("td").allTextContents()).join(" | "));
    console.log(await page.locator("#state").textContent());
} finally {
    await browser.close();
}
