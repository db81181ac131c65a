/**
 * Counts which values each float tensor of a model takes over images: the first of two commands to a model in int8 (see
 * README.md).
 *
 *   node models/training/calibrate.ts --out VALUES.json MODEL.onnx IMAGES...
 *
 * IMAGES are files or folders of JPEG or PNG. They go through the product's own decoder to the size that the manifest
 * asks for (`--manifest FILE`, by default the `.model.json` beside the weights): what is measured is what is seen in use.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { deflateSync } from 'node:zlib';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ModelFrame } from '../../main/detect/detection.ts';
import { parseManifest, type Manifest } from '../../main/detect/manifest.ts';
import { createInputWriter, planInput } from '../../main/detect/modelInput.ts';
import { GRAPH_FIELD, MODEL_FIELD, readModel, type OnnxModel } from '../../main/detect/onnxModel.ts';
import { byteLengthOf, joinBytes, payloadField, payloadHeader } from '../../main/detect/protobufWire.ts';
import { decodeFrames } from '../../main/video/decodeFrames.ts';
import { findFfmpeg } from '../../main/video/ffmpegBinary.ts';
import { runFfmpeg } from '../../main/video/ffmpegProcess.ts';
import { probeVideo } from '../../main/video/probe.ts';
import { onlyVideo } from '../../main/video/videoSource.ts';
import { HISTOGRAM_BINS, ValueHistogram } from './valueHistogram.ts';

const IMAGE_NAME = /\.(jpe?g|png)$/i;
const VALUE_INFO_NAME = 1;

interface CalibrationRequest {
  readonly modelPath: string;
  readonly manifestPath: string;
  readonly imagePaths: readonly string[];
  readonly outPath: string;
}

async function parseRequest(args: readonly string[]): Promise<CalibrationRequest> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { out: { type: 'string' }, manifest: { type: 'string' }, limit: { type: 'string' } },
  });
  const [modelPath, ...imageArguments] = positionals;
  if (modelPath === undefined || values.out === undefined) {
    throw new TypeError(
      'usage: calibrate.ts --out VALUES.json [--manifest FILE] [--limit N] MODEL.onnx IMAGES...',
    );
  }
  const found = (await Promise.all(imageArguments.map(imagesAt))).flat();
  const imagePaths = spread(found, Number(values.limit ?? found.length));
  if (imagePaths.length === 0)
    throw new TypeError(`no JPEG or PNG in ${imageArguments.join(', ') || 'nothing'}`);
  const manifestPath = values.manifest ?? modelPath.replace(/\.onnx$/, '.model.json');
  return { modelPath, manifestPath, imagePaths, outPath: values.out };
}

async function imagesAt(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => IMAGE_NAME.test(name)).sort();
  return names.map((name) => join(path, name));
}

/** At most `count` of them, at even distances, so that every folder has its share. */
function spread(paths: readonly string[], count: number): string[] {
  const kept = Math.min(count, paths.length);
  return Array.from({ length: kept }, (_, index) => paths[Math.floor((index * paths.length) / kept)] ?? '');
}

/** The model with the outputs of all its nodes, constants aside, as outputs of the graph besides its own. */
function modelGivingEverything({ graph, fields }: OnnxModel): Uint8Array {
  const own = new Set(graph.outputs);
  const taps = graph.nodes
    .filter(({ op }) => op !== 'Constant')
    .flatMap(({ outputs }) => outputs)
    .filter((name) => name !== '' && !own.has(name))
    .map((name) => payloadField(GRAPH_FIELD.output, payloadField(VALUE_INFO_NAME, name)));
  const content = [...graph.fields.map(({ bytes }) => bytes), ...taps];
  const wrapped = [...payloadHeader(MODEL_FIELD.graph, byteLengthOf(content)), ...content];
  return joinBytes(fields.flatMap(({ number, bytes }) => (number === MODEL_FIELD.graph ? wrapped : [bytes])));
}

/** The only frame of a still image, through the decoder that footage goes through. */
async function frameOfImage(imagePath: string, manifest: Manifest, folder: string): Promise<ModelFrame> {
  const { signal } = new AbortController();
  const { path: ffmpegPath } = await findFfmpeg({ env: process.env, signal });
  const footagePath = join(folder, 'image.mkv');
  const args = ['-y', '-f', 'image2', '-pattern_type', 'none', '-i', imagePath, '-c', 'copy', footagePath];
  await runFfmpeg({ ffmpegPath, args, signal, timeoutMs: 20_000, logLevel: 'error' });
  const source = await probeVideo(onlyVideo(footagePath), { ffmpegPath, signal });
  const { widthPx, heightPx, fit } = planInput(manifest.input.size, source, {
    shortSidePx: null,
    fixedInput: null,
  });
  const scaleTo = { widthPx, heightPx, fit };
  const options = {
    ffmpegPath,
    signal,
    fromPtsUs: null,
    everyUs: null,
    scaleTo,
    pixelFormat: 'rgb24',
  } as const;
  for await (const frame of decodeFrames(onlyVideo(footagePath), options)) return frame;
  throw new Error(`nothing to see in ${imagePath}`);
}

/** What was seen of one float tensor. */
interface TensorRecord {
  /** Of the last frame. */
  dims: readonly number[];
  /** One for each channel of a [N,C,H,W] tensor, one for the whole of any other. */
  readonly channels: readonly ValueHistogram[];
}

/** Records of all float tensors of two axes or more that stay finite, by name. */
async function recordTensors(
  request: CalibrationRequest,
  weights: Uint8Array,
): Promise<ReadonlyMap<string, TensorRecord>> {
  const manifest = parseManifest(await readFile(request.manifestPath, 'utf8'), request.manifestPath);
  const writeInput = createInputWriter(manifest.input, null);
  const folder = await mkdtemp(join(tmpdir(), 'sightline-calibrate-'));
  const session = await InferenceSession.create(modelGivingEverything(readModel(weights)), {
    graphOptimizationLevel: 'basic',
    logSeverityLevel: 3,
  });
  const [inputName = ''] = session.inputNames;
  const recorder = new TensorRecorder();
  try {
    for (const [index, imagePath] of request.imagePaths.entries()) {
      const { data, sizePx } = writeInput(await frameOfImage(imagePath, manifest, folder));
      const input = new Tensor(data, [1, 3, sizePx.heightPx, sizePx.widthPx]);
      const outputs = await session.run({ [inputName]: input });
      for (const [name, tensor] of Object.entries({ [inputName]: input, ...outputs })) {
        recorder.add(name, tensor);
        tensor.dispose();
      }
      process.stderr.write(`\r${index + 1} of ${request.imagePaths.length} images`);
    }
  } finally {
    process.stderr.write('\n');
    await session.release();
    await rm(folder, { recursive: true, force: true });
  }
  return recorder.records;
}

class TensorRecorder {
  readonly records = new Map<string, TensorRecord>();
  /** A filler of minus infinity and the like: never to be quantised. */
  readonly #infinite = new Set<string>();

  add(name: string, { dims, data }: Tensor): void {
    if (dims.length < 2 || !(data instanceof Float32Array) || this.#infinite.has(name)) return;
    const channelCount = dims.length === 4 ? (dims[1] ?? 1) : 1;
    const known = this.records.get(name);
    const channels = known?.channels ?? Array.from({ length: channelCount }, () => new ValueHistogram());
    this.records.set(name, { dims, channels });
    const planes = dims.length === 4 ? (dims[0] ?? 1) * channelCount : 1;
    const planeLength = data.length / planes;
    try {
      for (let plane = 0; plane < planes; plane++) {
        const values = data.subarray(plane * planeLength, (plane + 1) * planeLength);
        channels[plane % channelCount]!.add(values);
      }
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
      this.#infinite.add(name);
      this.records.delete(name);
    }
  }
}

/** As JSON: width of the bins of each channel, and counts uint32 [channels, bins], deflated, in base64. */
function tensorJson({ dims, channels }: TensorRecord): object {
  const counts = Buffer.concat(channels.map(({ counts: { buffer } }) => new Uint8Array(buffer)));
  return { dims, widths: channels.map(({ width }) => width), counts: deflateSync(counts).toString('base64') };
}

async function main(): Promise<void> {
  const request = await parseRequest(process.argv.slice(2));
  const weights = await readFile(request.modelPath);
  const records = await recordTensors(request, weights);
  const modelSha256 = createHash('sha256').update(weights).digest('hex');
  const tensors = Object.fromEntries([...records].map(([name, record]) => [name, tensorJson(record)]));
  const calibration = { modelSha256, images: request.imagePaths.length, bins: HISTOGRAM_BINS, tensors };
  await writeFile(request.outPath, `${JSON.stringify(calibration)}\n`);
  process.stdout.write(
    `${records.size} tensors over ${request.imagePaths.length} images: ${request.outPath}\n`,
  );
}

await main();
