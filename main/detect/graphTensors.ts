import { AppError } from '../../preload/contract/errors.ts';
import type { GraphReading, TensorReading } from './graphReading.ts';

/** What a detector gives, each in a tensor of its own. */
export const OUTPUT_ROLES = ['boxes', 'labels', 'scores', 'masks'] as const;
export type OutputRole = (typeof OUTPUT_ROLES)[number];

/** Which output plays a role. */
export interface RoleProposal {
  /** Null where no output can: only masks may be missing. */
  readonly name: string | null;
  /** Every output that could by its type and shape, in the graph's order. */
  readonly candidates: readonly string[];
  readonly isCertain: boolean;
  /** Why this one. */
  readonly reason: string;
}

export interface ProposedTensors {
  readonly image: TensorReading;
  readonly layout: '[3,H,W]' | '[1,3,H,W]';
  /** Height and width where the graph takes no other. */
  readonly fixedSides: readonly [heightPx: number, widthPx: number] | null;
  readonly roles: Readonly<Record<OutputRole, RoleProposal>>;
}

/**
 * The image and the outputs of a detector, by name, type and shape.
 * @param fileName Ends the messages.
 * @throws AppError model.unsupported when the graph takes or gives what no manifest can describe, saying what.
 */
export function proposeTensors(reading: GraphReading, fileName: string): ProposedTensors {
  const image = imageOf(reading, fileName);
  const axes = image.dims?.length ?? 0;
  const [height, width] = image.dims?.slice(-2) ?? [];
  const isFixed = typeof height === 'number' && typeof width === 'number';
  return {
    image,
    layout: axes === 4 ? '[1,3,H,W]' : '[3,H,W]',
    fixedSides: isFixed ? [height, width] : null,
    roles: rolesOf(reading, fileName),
  };
}

/** Exporters make up names for lengths that nobody named, longer than any that a person gives. */
const LONGEST_NAME = 12;

/** `float32 [1, 3, height, width]`; `?` stands for what is not stated or made up. */
export function tensorText({ type, dims }: TensorReading): string {
  const shape = dims === null ? '?' : dims.map(sideText).join(', ');
  return `${type ?? '?'} [${shape}]`;
}

function sideText(side: number | string | null): string {
  return side === null || (typeof side === 'string' && side.length > LONGEST_NAME) ? '?' : String(side);
}

function imageOf({ inputs }: GraphReading, fileName: string): TensorReading {
  const [image, second] = inputs;
  const refuse = (what: string): AppError => unsupported(what, fileName);
  if (image === undefined) throw refuse('it takes no picture');
  if (second !== undefined) {
    const names = inputs.map((input) => `${input.name} ${tensorText(input)}`).join(' and ');
    throw refuse(`it takes ${inputs.length} inputs (${names}) and Sightline gives one, the picture`);
  }
  const found = `${image.name} is ${tensorText(image)}`;
  const { type, dims } = image;
  if (type !== 'float32' && type !== 'uint8') throw refuse(`its picture ${found}, not float32 or uint8`);
  if (dims === null || (dims.length !== 3 && dims.length !== 4))
    throw refuse(`its picture ${found}, not [3, height, width] or [1, 3, height, width]`);
  const [channels, , last] = dims.slice(-3);
  if (channels !== 3 && last === 3)
    throw refuse(`its picture ${found}: the colours come last; export it with the colours first`);
  if (typeof channels === 'number' && channels !== 3)
    throw refuse(`its picture ${found}, not [3, height, width]`);
  const [pictures] = dims;
  if (dims.length === 4 && typeof pictures === 'number' && pictures !== 1)
    throw refuse(`it takes ${pictures} pictures at once (${found}); export it for one`);
  return image;
}

/** How a role's tensor is made (see the manifest), and what exporters call it. */
const ROLES: Readonly<
  Record<
    OutputRole,
    {
      readonly type: string;
      readonly last: number | null;
      readonly axes: number;
      readonly names: RegExp;
      readonly is: string;
    }
  >
> = {
  boxes: { type: 'float32', axes: 2, last: 4, names: /box/i, is: 'four numbers for each object' },
  labels: {
    type: 'int64',
    axes: 1,
    last: null,
    names: /label|class|cls|categor/i,
    is: 'a whole number for each object',
  },
  scores: {
    type: 'float32',
    axes: 1,
    last: null,
    names: /score|conf|prob/i,
    is: 'one number for each object',
  },
  masks: { type: 'float32', axes: 4, last: null, names: /mask|segm/i, is: 'a small picture for each object' },
};

function rolesOf(reading: GraphReading, fileName: string): ProposedTensors['roles'] {
  const { outputs } = reading;
  const roles = {
    boxes: roleOf('boxes', outputs),
    labels: roleOf('labels', outputs),
    scores: roleOf('scores', outputs),
    masks: roleOf('masks', outputs),
  };
  for (const role of ['boxes', 'labels', 'scores'] as const) {
    if (roles[role].name !== null) continue;
    const given = outputs.map((output) => `${output.name} ${tensorText(output)}`).join(', ');
    const { type, is } = ROLES[role];
    throw unsupported(
      `no output can be the ${role} (${type}, ${is}); it gives ${given}${hintFor(outputs)}`,
      fileName,
    );
  }
  return roles;
}

function roleOf(role: OutputRole, outputs: readonly TensorReading[]): RoleProposal {
  const { names, is } = ROLES[role];
  const candidates = outputs.filter((output) => canPlay(role, output)).map(({ name }) => name);
  const named = candidates.filter((name) => names.test(name));
  const [name = null] = named.length > 0 ? named : candidates;
  if (name === null) return { name, candidates, isCertain: true, reason: `No output gives ${is}` };
  if (named.length === 1)
    return { name, candidates, isCertain: true, reason: `It is called so and gives ${is}` };
  if (candidates.length === 1) return { name, candidates, isCertain: true, reason: `It alone gives ${is}` };
  return { name, candidates, isCertain: false, reason: `The first of ${candidates.length} that give ${is}` };
}

function canPlay(role: OutputRole, { type, dims }: TensorReading): boolean {
  const { type: wanted, axes, last } = ROLES[role];
  if (type !== wanted) return false;
  if (dims === null) return true;
  const final = dims.at(-1);
  // One mask for each object, whatever its class: [N,1,S,S].
  const isOneMask = role !== 'masks' || typeof dims[1] !== 'number' || dims[1] === 1;
  return dims.length === axes && isOneMask && (last === null || typeof final !== 'number' || final === last);
}

function hintFor(outputs: readonly TensorReading[]): string {
  const isBatch = outputs.some(({ dims }) => dims?.length === 3 && dims[0] === 1 && dims[2] === 4);
  if (isBatch) return '. It answers for a batch of pictures: export it without the batch axis';
  const isRaw = outputs.some(({ dims }) => dims !== null && dims.length >= 2 && Number(dims.at(-1)) > 4);
  return isRaw
    ? '. It seems to give raw predictions: export it with its last steps (non-maximum suppression) inside'
    : '';
}

function unsupported(what: string, fileName: string): AppError {
  return new AppError('model.unsupported', `This model cannot be used as it is: ${what}: ${fileName}`, {
    detail: { fileName },
  });
}
