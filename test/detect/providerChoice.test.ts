import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createDetector } from '../../main/detect/detector.ts';
import { knownProviders, openSession, type SessionOptions } from '../../main/detect/onnxSession.ts';
import { isSameFinding, openOnBestProvider, type ProviderPorts } from '../../main/detect/providerChoice.ts';
import { tinyDetector } from './tinyDetector.ts';
import { bundledManifest, MODELS_FOLDER } from './temporaryModel.ts';

const compact = bundledManifest('faster-rcnn-compact');
const weightsPath = join(MODELS_FOLDER, compact.weights.file);
const { signal } = new AbortController();

/** The accelerators that this build has and this machine, having no graphics card, cannot start. */
const unusable = await unusableProviders();

async function unusableProviders(): Promise<string[]> {
  const weights = new Uint8Array(await readFile(weightsPath));
  const found: string[] = [];
  for (const provider of knownProviders().filter((name) => name !== 'cpu')) {
    const options = { manifest: compact, weights, weightsPath, threads: 1, provider };
    const session = await openSession(options).catch(() => null);
    if (session === null) found.push(provider);
    else await session.release();
  }
  return found;
}

describe('with ONNX Runtime as it is here', () => {
  const load = (providers: readonly string[]) =>
    createDetector({ manifestJson: JSON.stringify(compact), weightsPath, threads: 1, signal, providers });

  test('it lists the CPU', () => {
    expect(knownProviders()).toContain('cpu');
    if (unusable.length === 0) console.info('every accelerator listed here starts: the next test tries none');
  });

  test.each(unusable)('%s cannot start here: the CPU runs and it is said', async (provider) => {
    const detector = await load([provider, 'cpu']);
    expect(detector).toMatchObject({
      provider: 'cpu',
      // With ONNX Runtime's own reason, of one line.
      notice: expect.stringMatching(
        new RegExp(`^${provider} cannot run this model on this machine: \\S.+$`),
      ) as unknown,
    });
    await detector.dispose();
  });

  test.runIf(unusable.length === knownProviders().length - 1)(
    'automatic is the CPU where nothing else starts, and nobody is bothered with it',
    async () => {
      const detector = await load(['automatic', 'cpu']);
      expect(detector).toMatchObject({ provider: 'cpu', notice: null });
      await detector.dispose();
    },
  );
});

describe('a provider that starts is compared with the CPU', () => {
  const manifest = bundledManifest('fasterrcnn-12');
  const options = { manifest, weights: tinyDetector(manifest), weightsPath: 'tiny.onnx', threads: 1 };

  /** Sessions of ONNX Runtime's CPU stand for the accelerator; what it calculates is another graph's where asked. */
  function accelerator(change: Partial<ProviderPorts> & { readonly weights?: Uint8Array }): ProviderPorts {
    return {
      known: () => ['cpu', 'webgpu'],
      isSame: isSameFinding,
      async open(asked: SessionOptions) {
        if (asked.provider === 'cpu') return openSession(asked);
        const weights = change.weights ?? asked.weights;
        return { ...(await openSession({ ...asked, weights, provider: 'cpu' })), provider: asked.provider };
      },
      ...change,
    };
  }

  /** Looks for the same squares and calls them otherwise. */
  const labels = { kind: 'contiguous', tensor: 1, offset: 9, classNames: 'coco80' } as const;
  const other = tinyDetector({ ...manifest, outputs: { ...manifest.outputs, labels } });

  async function chosen(providers: readonly string[], ports: ProviderPorts) {
    const { session, notice } = await openOnBestProvider(options, providers, ports);
    const { provider } = session;
    await session.release();
    return { provider, notice };
  }

  test('and used where it finds the same', async () => {
    const expected = { provider: 'webgpu', notice: null };
    expect(await chosen(['webgpu', 'cpu'], accelerator({}))).toEqual(expected);
  });

  test('and not where it finds something else', async () => {
    expect(await chosen(['webgpu', 'cpu'], accelerator({ weights: other }))).toEqual({
      provider: 'cpu',
      notice: 'webgpu finds something else than the CPU',
    });
    expect(await chosen(['webgpu', 'cpu'], accelerator({ isSame: () => false }))).toMatchObject({
      provider: 'cpu',
    });
  });

  test('and the next one is tried then', async () => {
    const ports = accelerator({});
    const open: ProviderPorts['open'] = (asked) =>
      asked.provider === 'noSuchProvider' ? openSession(asked) : ports.open(asked);
    expect(await chosen(['noSuchProvider', 'webgpu', 'cpu'], { ...ports, open })).toEqual({
      provider: 'webgpu',
      notice:
        'noSuchProvider cannot run this model on this machine: no available backend found. ERR: [noSuchProvider] backend not found',
    });
  });

  test('and passed over with the first line of its reason where it fails on the frame', async () => {
    const ports = accelerator({});
    const open: ProviderPorts['open'] = async (asked) => ({
      ...(await ports.open(asked)),
      ...(asked.provider === 'cpu'
        ? {}
        : { run: () => Promise.reject(new Error('device lost; code 7\nat x')) }),
    });
    expect(await chosen(['webgpu', 'cpu'], { ...ports, open })).toEqual({
      provider: 'cpu',
      notice: 'webgpu cannot run this model on this machine: device lost, code 7',
    });
  });

  /** Takes as long over a frame as it says. */
  function timed(ports: ProviderPorts, acceleratorMs: number): ProviderPorts {
    return {
      ...ports,
      async open(asked) {
        const session = await ports.open(asked);
        const inferenceMs = asked.provider === 'cpu' ? 10 : acceleratorMs;
        return {
          ...session,
          run: async (input, decode) => ({ ...(await session.run(input, decode)), inferenceMs }),
        };
      },
    };
  }

  test('automatic takes it where it is faster, and passes it over in silence otherwise', async () => {
    expect(await chosen(['automatic', 'cpu'], timed(accelerator({}), 9))).toEqual({
      provider: 'webgpu',
      notice: null,
    });
    const cpu = { provider: 'cpu', notice: null };
    expect(await chosen(['automatic', 'cpu'], timed(accelerator({}), 11))).toEqual(cpu);
    expect(await chosen(['automatic', 'cpu'], timed(accelerator({ weights: other }), 9))).toEqual(cpu);
    expect(await chosen(['webgpu', 'cpu'], timed(accelerator({}), 11))).toMatchObject({ provider: 'webgpu' });
  });
});
