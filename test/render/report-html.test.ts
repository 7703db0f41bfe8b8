/** The HTML report in a real browser: its content, that it can be used by keyboard, and that it sends no requests. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { htmlReport, liveHtmlReport } from '../../src/render/report/html/page.js';
import type { RunReport } from '../../src/render/report/model.js';
import { recordedReport, reportOf } from '../helpers/report.js';
import { fleetEvents, fleetOf } from './recorded-run.js';

const CHROMIUM = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((file) => file !== undefined && file !== '' && existsSync(file));
// Skipped if there is no browser, unless one is required.
const required = process.env.DJI_OTA_REQUIRE_BROWSER === '1';
if (!CHROMIUM && !required) {
  console.warn('The HTML report is not tested in a browser: install chromium, or name one in CHROMIUM_PATH.');
}

/** Runs in the page: the texts whose contrast does not meet WCAG 2 AA, with their ratios. */
const POOR_CONTRAST = `(() => {
  const numbers = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (color) => {
    const [r, g, b] = numbers(color).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    if (!element) return 'rgb(255, 255, 255)';
    const color = getComputedStyle(element).backgroundColor;
    return numbers(color)[3] === 0 ? behind(element.parentElement) : color;
  };
  const texts = 'p,td,th,li,h1,h2,h3,span,small,button,summary,a,label,text';
  return [...document.querySelectorAll(texts)].flatMap((element) => {
    const text = element.textContent.trim();
    if (text === '' || element.closest('.vh,.skip')) return [];
    const style = getComputedStyle(element);
    const color = element instanceof SVGElement ? style.fill : style.color;
    const [high, low] = [light(color), light(behind(element))].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    return ratio < 4.5 ? [ratio.toFixed(2) + ' ' + element.tagName + ' ' + text.slice(0, 40)] : [];
  });
})()`;

/** Waits until it holds, because a busy machine may draw slowly. */
const soon = <T>(look: () => Promise<T> | T) => expect.poll(look, { timeout: 20_000 });

describe.skipIf(!CHROMIUM && !required)('the HTML report in a browser', { timeout: 90_000 }, () => {
  let browser: Browser;
  let folder: string;
  let page: Page;
  /** The page for readers without preferences. Shared, because each new page costs a process. */
  let plain: Page | undefined;
  /** Requests apart from the page itself, and errors in the browser's console. */
  let heard: string[];

  beforeAll(async () => {
    if (!CHROMIUM) throw new Error('DJI_OTA_REQUIRE_BROWSER is set and no chromium is installed');
    const { chromium } = await import('playwright-core');
    folder = await mkdtemp(path.join(tmpdir(), 'dji-ota-html-'));
    // Containers cannot provide a sandbox, and the page is trusted.
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  }, 60_000);
  afterEach(async () => {
    if (page !== plain) await page?.close();
  });
  afterAll(async () => {
    await browser?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  async function open(
    report: RunReport,
    options: { width?: number; dark?: boolean; script?: boolean } = {},
  ): Promise<void> {
    const { width = 1280, dark = false, script = true } = options;
    const file = path.join(folder, 'report.html');
    await writeFile(file, htmlReport(report));
    heard = [];
    const url = pathToFileURL(file).href;
    if (page !== plain) await page?.close();
    const isPlain = width === 1280 && !dark && script;
    page = (isPlain ? plain : undefined) ?? (await newPage(url, width, dark, script));
    if (isPlain) plain = page;
    await page.goto(url);
  }

  async function newPage(url: string, width: number, dark: boolean, script: boolean): Promise<Page> {
    const page = await browser.newPage({
      viewport: { width, height: 800 },
      colorScheme: dark ? 'dark' : 'light',
      javaScriptEnabled: script,
    });
    page.on('request', (request) => {
      if (request.url() !== url) heard.push(`request ${request.url()}`);
    });
    page.on('console', (message) => heard.push(`console ${message.text()}`));
    page.on('pageerror', (error) => heard.push(`error ${error.message}`));
    page.on('dialog', (dialog) => {
      heard.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    return page;
  }

  const shownRows = () => page.locator('#list tbody tr:visible');
  const names = () => page.locator('#list tbody tr:visible th .sn').allTextContents();
  const overflow = () => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  const background = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');

  it('says how it ended, and makes no request and no complaint', async () => {
    await open(recordedReport());
    expect(await page.locator('h1').textContent()).toContain('3 of 8 devices ended well');
    expect(await page.locator('.tile').allTextContents()).toEqual([
      '3✖ failed',
      '1? unknown',
      '1○ not started',
      '1– skipped',
      '2✔ ok',
    ]);
    expect(await shownRows().count()).toBe(8);
    expect(heard).toEqual([]);
  });

  it('filters by words and by outcome, and says how many are left', async () => {
    await open(recordedReport());
    await page.fill('#find', 'no aircraft');
    await soon(names).toEqual(['1581F6Q8D23CC']);
    expect(await page.locator('#shown').textContent()).toBe('1 of 8 devices');
    await page.fill('#find', 'nothing like it');
    await soon(() => page.locator('#none').isVisible()).toBe(true);
    await page.click('button[type=reset]');
    await soon(() => shownRows().count()).toBe(8);
    await page.uncheck('input[value=ok]');
    await page.uncheck('input[value=failed]');
    await soon(names).toEqual(['1581F6Q8D23DD', '1581F6Q8D23EE', '1581F6Q8D23EF']);
  });

  it('filters by label', async () => {
    const report = recordedReport();
    const devices = report.devices.map((device, index) => ({
      ...device,
      labels: { site: index < 3 ? 'north' : 'south <i>', ring: String(index % 2) },
    }));
    await open({ ...report, devices });
    const choice = (name: string) => page.locator('#filters label', { hasText: name }).locator('select');
    await choice('site').selectOption('north');
    expect(await shownRows().count()).toBe(3);
    await choice('ring').selectOption('1');
    expect(await page.locator('#shown').textContent()).toBe('1 of 8 devices');
    await choice('site').selectOption('south <i>');
    expect(await shownRows().count()).toBe(3);
    await page.locator('#filters button').click();
    await soon(() => shownRows().count()).toBe(8);
    expect(heard).toEqual([]);
  });

  it('reads itself again while its run goes on, as it was left, and ends as the report', async () => {
    const report = recordedReport();
    const [first] = report.devices;
    if (!first) throw new Error('no device');
    const states = new Map([[first, { kind: 'running' as const, word: 'download' }]]);
    const file = path.join(folder, 'live.html');
    const write = (next: number) => {
      const written = Date.now();
      return writeFile(
        file,
        liveHtmlReport({ report, states }, () => ({ written, next: written + next })),
      );
    };
    await write(500);
    page = await newPage(pathToFileURL(file).href, 1000, false, true);
    heard = [];
    await page.goto(pathToFileURL(file).href);
    const before = await page.locator('html').getAttribute('data-written');
    await page.fill('#find', first.sn ?? '');
    await page.locator('#theme').click();
    await write(500);
    await soon(() => page.locator('html').getAttribute('data-written')).not.toBe(before);
    await soon(() => page.inputValue('#find')).toBe(first.sn);
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
    // A dock, and the aircraft on it.
    await soon(() => shownRows().count()).toBe(2);
    expect(await page.locator('#stale').isVisible()).toBe(false);
    await writeFile(file, htmlReport(report));
    await soon(() => page.locator('#fresh').count()).toBe(0);
    expect(await page.inputValue('#find')).toBe(first.sn);
    expect(heard.filter((line) => !line.startsWith('request'))).toEqual([]);
  });

  it('says that it is stale where nobody renews it', async () => {
    const report = recordedReport();
    const file = path.join(folder, 'stale.html');
    const written = Date.now() - 300_000;
    await writeFile(
      file,
      liveHtmlReport({ report, states: new Map() }, () => ({ written, next: written + 5000 })),
    );
    page = await newPage(pathToFileURL(file).href, 1000, false, true);
    await page.goto(pathToFileURL(file).href);
    await soon(() => page.locator('#stale').isVisible()).toBe(true);
    expect(await page.locator('#stale').textContent()).toContain('not renewed for 5 min');
    expect(await page.locator('#fresh').isVisible()).toBe(false);
    expect(await page.title()).toMatch(/^Stale · /);
  });

  it('leads from a code to its devices', async () => {
    await open(recordedReport());
    await page.click('button.only[data-code="312026"]');
    await soon(names).toEqual(['1581F6Q8D23BB']);
    expect(await page.evaluate('document.activeElement.id')).toBe('find');
  });

  it('sorts by keyboard, tells assistive technology the order, and turns it round', async () => {
    await open(recordedReport());
    const head = page.locator('#list thead th', { hasText: 'Time' }).first();
    await head.locator('button').focus();
    await page.keyboard.press('Enter');
    expect(await head.getAttribute('aria-sort')).toBe('ascending');
    const times = () =>
      page.evaluate<number[]>(
        `[...document.querySelectorAll('#list tbody td[data-l=Time]')].map((cell) => Number(cell.dataset.v))`,
      );
    const up = await times();
    expect(up).toEqual([...up].sort((a, b) => a - b));
    await page.keyboard.press('Enter');
    expect(await head.getAttribute('aria-sort')).toBe('descending');
    expect(await times()).toEqual([...up].sort((a, b) => b - a));
    await page.locator('#list thead th', { hasText: 'Device' }).locator('button').click();
    expect(await page.locator('[aria-sort]').count()).toBe(1);
    const sorted = await names();
    expect(sorted).toEqual([...sorted].sort());
  });

  it('shows where the focus is, and skips to the devices', async () => {
    await open(recordedReport());
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.className')).toBe('skip');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await page.keyboard.press('Enter');
    await soon(() => page.evaluate('document.activeElement.id')).toBe('devices');
  });

  it('is light or dark as the reader has it, and as the button says', async () => {
    await open(recordedReport(), { dark: true });
    const dark = await background();
    expect(await page.getAttribute('#theme', 'aria-pressed')).toBe('true');
    await page.click('#theme');
    const light = await background();
    expect(light).not.toBe(dark);
    await open(recordedReport());
    expect(await background()).toBe(light);
  });

  it('has text in colours that can be read, light and dark', async () => {
    for (const dark of [false, true]) {
      await open(recordedReport(), { dark });
      expect(await page.evaluate(POOR_CONTRAST)).toEqual([]);
    }
  });

  it('fits on a telephone, with every column in words', async () => {
    await open(recordedReport(), { width: 360 });
    expect(await overflow()).toBeLessThanOrEqual(0);
    const label = await page.evaluate(
      `getComputedStyle(document.querySelector('#list tbody td[data-l=Version]'), '::before').content`,
    );
    expect(label).toBe('"Version"');
  });

  it('takes the longest names without growing wider than the page', async () => {
    const report = recordedReport();
    const long = 'W'.repeat(500);
    const devices = report.devices.map((device) => ({
      ...device,
      sn: long,
      pid: long,
      product_version: long,
      reason: long,
    }));
    const runs = report.runs.map((run) => ({ ...run, run: long }));
    for (const width of [1280, 360]) {
      await open({ ...report, runs, devices }, { width });
      expect(await overflow(), String(width)).toBeLessThanOrEqual(0);
    }
  });

  it('shows a device called <script> as text', async () => {
    const report = recordedReport();
    const evil = `<script>alert(1)</script><img src="https://evil.example/x" onerror="alert(2)">`;
    const devices = report.devices.map((device) => ({ ...device, sn: evil, reason: evil, pid: evil, model: evil }));
    const warnings = report.warnings.map((warning) => ({ ...warning, message: evil }));
    await open({ ...report, devices, warnings });
    expect(await names()).toEqual(Array(8).fill(evil));
    expect(await page.locator('script, img').count()).toBe(1);
    expect(heard).toEqual([]);
  });

  it('would not run or load markup that had slipped in all the same', async () => {
    let reached = 0;
    const server = createServer((_request, response) => {
      reached++;
      response.end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      await open(recordedReport());
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await page.evaluate(`(() => {
        const box = document.createElement('div');
        box.innerHTML = '<img src="${address}/x.png" onerror="document.title = 1"><i style="color: red"></i>';
        document.body.append(box);
        fetch('${address}').catch(() => {});
      })()`);
      await soon(() => heard.filter((line) => /Content Security Policy/.test(line)).length).toBeGreaterThan(2);
      expect(await page.title()).toMatch(/^Firmware upgrade/);
      expect(reached).toBe(0);
    } finally {
      server.close();
    }
  });

  it('is whole without scripts, and without what only scripts can do', async () => {
    await open(recordedReport(), { script: false });
    expect(await page.locator('#list tbody tr').count()).toBe(8);
    for (const control of ['#filters', '#theme', 'button.only']) {
      expect(await page.locator(control).first().isVisible(), control).toBe(false);
    }
    expect(await page.locator('svg.timeline').isVisible()).toBe(true);
  });

  it('prints in light colours as tables, without controls', async () => {
    await open(recordedReport(), { dark: true });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await background()).toBe('rgb(255, 255, 255)');
    expect(await page.locator('#filters').isVisible()).toBe(false);
    expect(await page.evaluate(`getComputedStyle(document.querySelector('#list tbody td')).display`)).toBe(
      'table-cell',
    );
    expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(10_000);
  });

  it('stays usable with 1,000 devices', async () => {
    const devices = fleetOf(1000);
    const events = fleetEvents(devices).filter(
      ({ event }) => event.event !== 'device_progress' || (event.percent ?? 0) % 50 === 0,
    );
    await open(reportOf(devices, events, { slower: 60 }));
    expect(await shownRows().count()).toBe(1000);
    const timeline = await page.locator('svg.timeline').boundingBox();
    expect(timeline?.height).toBeLessThan(3000);
    await page.fill('#find', '514121');
    await soon(() => page.locator('#shown').textContent()).toBe('8 of 1,000 devices');
    expect(await overflow()).toBeLessThanOrEqual(0);
    expect(heard).toEqual([]);
  });
});
