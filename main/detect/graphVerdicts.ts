import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';

const Verdicts = z.object({
  weightsSha256: z.string(),
  runtimeVersion: z.string(),
  /** By what was compared, its version in the name. */
  verdicts: z.record(z.string(), z.boolean()),
});

/**
 * What comparisons of a weights file's graphs found, kept beside the weights so that each is made once. They hold for
 * these very weights and this version of ONNX Runtime; what cannot be read, or is of others, counts as nothing.
 */
export class GraphVerdicts {
  readonly #path: string;
  readonly #key: { readonly weightsSha256: string; readonly runtimeVersion: string };

  constructor(weightsPath: string, key: { readonly weightsSha256: string; readonly runtimeVersion: string }) {
    this.#path = `${weightsPath}.graph.json`;
    this.#key = key;
  }

  /** The remembered verdict, or what `compare` finds now. @throws what `compare` throws; nothing is remembered then. */
  async decide(question: string, compare: () => Promise<boolean>): Promise<boolean> {
    const remembered = (await this.#read())[question];
    if (remembered !== undefined) return remembered;
    const verdict = await compare();
    await this.#write({ ...(await this.#read()), [question]: verdict });
    return verdict;
  }

  async #read(): Promise<Readonly<Record<string, boolean>>> {
    try {
      const { verdicts, ...key } = Verdicts.parse(JSON.parse(await readFile(this.#path, 'utf8')));
      const { weightsSha256, runtimeVersion } = this.#key;
      return key.weightsSha256 === weightsSha256 && key.runtimeVersion === runtimeVersion ? verdicts : {};
    } catch {
      return {};
    }
  }

  /** Where the folder cannot be written, the comparison is simply made again the next time. */
  async #write(verdicts: Readonly<Record<string, boolean>>): Promise<void> {
    const partPath = `${this.#path}.${randomUUID()}.part`;
    try {
      await writeFile(partPath, `${JSON.stringify({ ...this.#key, verdicts })}\n`);
      await rename(partPath, this.#path);
    } catch {
      await rm(partPath, { force: true });
    }
  }
}
