import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SightlineHost } from '../../main/host.ts';
import { knownProviders } from '../../main/detect/onnxSession.ts';
import { createNodePorts } from '../../main/loopback/nodePorts.ts';
import type { AnalyzerProcess } from '../../main/ports.ts';
import type { WantedProvider } from '../../preload/contract/providers.ts';
import type { Run, RunParameters } from '../../preload/contract/runs.ts';
import { proposingDetector } from '../detect/proposingDetector.ts';
import { bundledManifest, withWeights } from '../detect/temporaryModel.ts';
import { temporaryFolder } from '../temporaryFolder.ts';
import { makeClip } from './killHarness.ts';
import { addFootage, openTestHost, QUICK, runReaches } from './testHost.ts';

const MODEL = 'faster-rcnn-compact';

describe('what runs can be asked for', () => {
  let folder: string;
  let clip: string;
  let cases = 0;
  let host: SightlineHost | null = null;

  beforeAll(async () => {
    folder = await temporaryFolder('run-options');
    clip = join(folder, 'clip.mp4');
    makeClip(clip, 1);
  });
  afterEach(async () => {
    await host?.close();
    host = null;
  });

  async function open(spawnAnalyzer?: () => AnalyzerProcess): Promise<SightlineHost> {
    await host?.close();
    const caseFolder = join(folder, `case-${cases++}`);
    const ports = spawnAnalyzer === undefined ? {} : { spawnAnalyzer };
    host = await openTestHost({ folder, caseFolder, ports });
    return host;
  }

  async function start(
    opened: SightlineHost,
    asked: { readonly provider?: WantedProvider; readonly parameters?: Partial<RunParameters> },
    modelId = MODEL,
  ): Promise<Run> {
    const footageIds = await addFootage(opened, [clip]);
    const [runId] = await opened.session.runs.start({
      ...{ footageIds, modelId, parameters: { ...QUICK, ...asked.parameters } },
      provider: asked.provider ?? null,
    });
    if (runId === undefined) throw new Error('a run was asked for');
    return runReaches(opened, runId, ['done', 'failed', 'incomplete']);
  }

  it('lists the providers of this build, and keeps the one that is wanted', async () => {
    const { runOptions } = await open();
    const { wanted, known } = await runOptions.providers();
    expect(wanted).toBe('cpu');
    expect(known.toSorted()).toEqual([...knownProviders()].toSorted());
    expect(await runOptions.setProvider({ wanted: 'automatic' })).toEqual({ wanted: 'automatic', known });
    const again = await (await open()).runOptions.providers();
    expect(again.wanted).toBe('automatic');
    await writeFile(join(folder, 'settings.json'), '{"provider":"quantum","defaultModelId":"mine"}');
    expect((await runOptions.providers()).wanted).toBe('cpu');
    await writeFile(join(folder, 'settings.json'), '{}');
  });

  it.each(['webgpu', 'cuda', 'dml'] as const)(
    'finishes a run on the CPU, and says so, where %s cannot be had',
    async (provider) => {
      const run = await start(await open(), { provider });
      expect(run).toMatchObject({ state: 'done', wantedProvider: provider, error: null });
      // On a machine with such a card it is the card that ran.
      if (run.provider === provider) return;
      expect(run).toMatchObject({ provider: 'cpu', graphForm: 'original' });
      expect(run.providerNotice).toMatch(
        new RegExp(`^${provider} cannot run this model on this machine: \\S`),
      );
    },
  );

  it('takes the provider of the settings where none is named', async () => {
    const opened = await open();
    await opened.runOptions.setProvider({ wanted: 'coreml' });
    const run = await start(opened, {});
    expect(run).toMatchObject({ state: 'done', wantedProvider: 'coreml' });
    await opened.runOptions.setProvider({ wanted: 'cpu' });
  });

  it('goes on with the CPU where a provider takes the analyzer down', async () => {
    const { spawnAnalyzer } = createNodePorts({ hostReason: null, userData: folder, log: () => undefined });
    const asked: Array<readonly string[]> = [];
    const opened = await open(() => {
      const analyzer = spawnAnalyzer();
      return {
        ...analyzer,
        send(message) {
          if (message.kind === 'start') asked.push(message.providers);
          if (message.kind === 'start' && message.providers[0] !== 'cpu') analyzer.kill();
          else analyzer.send(message);
        },
      };
    });
    const run = await start(opened, { provider: 'webgpu' });
    const providerNotice = 'webgpu made the analyzer crash';
    expect(run).toMatchObject({ state: 'done', provider: 'cpu', providerNotice });
    expect(asked).toEqual([['webgpu', 'cpu'], ['cpu']]);
  });

  it('runs with fewer proposals, and keeps their number with the run', async () => {
    const opened = await open();
    const { maxProposals } = await opened.runOptions.choices({ modelId: MODEL });
    if (maxProposals === null) throw new Error('the embedded model says how many');
    const few = await start(opened, { parameters: { maxProposals: 2 } });
    expect(few).toMatchObject({ state: 'done', parameters: { maxProposals: 2 } });
    const all = await start(await open(), {});
    expect(few.detections).toBeLessThan(all.detections);
    // As many as there are is as exported, and no other analysis than that.
    const most = await start(await open(), { parameters: { maxProposals } });
    expect(most).toMatchObject({ parameters: { maxProposals: null }, detections: all.detections });
  });

  it('refuses fewer proposals before anything is queued where the graph does not say where they are', async () => {
    const opened = await open();
    const weights = proposingDetector({ limit: null });
    const manifest = withWeights(bundledManifest('fasterrcnn-12'), weights);
    const own = { ...manifest, modelId: 'own', origin: 'added', weights: { ...manifest.weights, url: null } };
    const manifestPath = join(folder, 'own.model.json');
    await writeFile(manifestPath, JSON.stringify(own));
    await writeFile(join(folder, manifest.weights.file), weights);
    await opened.models.addManifest({ path: manifestPath });
    expect(await opened.runOptions.choices({ modelId: 'own' })).toEqual({ maxProposals: null });
    const started = start(opened, { parameters: { maxProposals: 2 } }, 'own');
    await expect(started).rejects.toMatchObject({ code: 'model.fixedProposals' });
    expect(await opened.session.runs.list()).toEqual([]);
  });
});
