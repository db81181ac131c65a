import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browserPath, openPage, startApp } from './app.ts';
import type { OpenPage, RunningApp } from './app.ts';

describe.skipIf(browserPath() === null)('the app in a browser', () => {
  let app: RunningApp;
  let open: OpenPage;

  beforeAll(async () => {
    app = await startApp();
    open = await openPage(app.url);
    await open.page.waitForFunction(() => document.querySelector('#app')?.childElementCount !== 0);
  });
  afterAll(async () => {
    await open.close();
    await app.close();
  });

  it('loads without a complaint and stays signed in when it is reloaded', async () => {
    await open.page.waitForFunction(() => location.hash === '');
    await open.page.reload();
    const status = await open.page.evaluate(async () => (await fetch('/session')).status);
    expect(status).toBe(204);
    expect(open.problems).toEqual([]);
  });

  it('is built for use, whoever had it built: Svelte does not trace each state', async () => {
    const code = await open.page.evaluate(async () => {
      const src = document.querySelector<HTMLScriptElement>('script[type=module]')?.src ?? '';
      return (await fetch(src)).text();
    });
    // Svelte's errors have their words in development alone; otherwise they have an address.
    expect(code.includes('svelte.dev/e/state_unsafe_mutation')).toBe(true);
    expect(code.includes('Updating state inside')).toBe(false);
  });

  it('is isolated, and its session is out of the reach of scripts', async () => {
    expect(await open.page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await open.page.evaluate(() => document.cookie)).toBe('');
  });

  it('runs no script but its own and reaches no other address', async () => {
    const other = await openPage(app.url);
    try {
      const outcome = await other.page.evaluate(async () => {
        const script = document.createElement('script');
        script.textContent = 'window.wasInjected = true';
        document.body.append(script);
        const reached = await fetch('http://127.0.0.1:1/').then(
          () => true,
          () => false,
        );
        return { reached, wasInjected: 'wasInjected' in window };
      });
      expect(outcome).toEqual({ reached: false, wasInjected: false });
      expect(other.problems.join('\n')).toContain('Content Security Policy');
    } finally {
      await other.close();
    }
  });

  it('serves the same case to the page and to the contract', async () => {
    expect((await app.api.cases.current()).path).toBe(app.caseFolder);
    expect((await app.api.app.info()).host).toBe('loopback');
  });
});
