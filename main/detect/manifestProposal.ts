import type { ModelQuestion } from '../../preload/contract/modelProposals.ts';
import type { GraphReading } from './graphReading.ts';
import { ORIGIN_NAMES, recogniseOrigin, type ModelOrigin } from './graphOrigin.ts';
import { proposeQuestions } from './manifestQuestions.ts';
import { proposeTensors, tensorText, type ProposedTensors } from './graphTensors.ts';

/** Everything that a manifest can be made of once its questions are answered. */
export interface ManifestProposal {
  readonly tensors: ProposedTensors;
  readonly origin: ModelOrigin | null;
  /** {@link origin} in words. */
  readonly recognised: string | null;
  /** What was read, a sentence each, for a person who has never seen a graph. */
  readonly facts: readonly string[];
  /** What speaks against using it. */
  readonly cautions: readonly string[];
  readonly questions: readonly ModelQuestion[];
}

/**
 * What a model's file suggests, and what it leaves open.
 * @param fileName Names the model until a person does, and ends the messages.
 * @throws AppError model.unsupported when no manifest can describe what the graph takes or gives.
 */
export function proposeManifest(reading: GraphReading, fileName: string): ManifestProposal {
  const tensors = proposeTensors(reading, fileName);
  const origin = recogniseOrigin(reading, tensors);
  const recognised = origin === null ? null : ORIGIN_NAMES[origin];
  return {
    tensors,
    origin,
    recognised,
    facts: factsOf(reading, tensors, recognised),
    cautions: reading.poolsRegions ? [] : [NO_SECOND_STAGE],
    questions: proposeQuestions({ reading, tensors, origin, fileName }),
  };
}

const NO_SECOND_STAGE =
  'No second look at regions was found in it: it may be a one-stage detector, which Sightline can run as well, or no detector at all. A trial will show.';

function factsOf(reading: GraphReading, tensors: ProposedTensors, recognised: string | null): string[] {
  const { producer, poolsRegions, classes } = reading;
  const written = producer === '' ? [] : [`It was written by ${producer}.`];
  const known = recognised === null ? [] : [`It looks like ${recognised}.`];
  const stages = poolsRegions
    ? ['It looks at regions of the picture a second time: a two-stage detector.']
    : [];
  const told =
    classes === null ? [] : [`Its last layer tells ${classes} classes apart, background among them.`];
  return [...known, ...written, ...stages, ...told, takesText(tensors), ...givesTexts(reading, tensors)];
}

function takesText({ image, fixedSides }: ProposedTensors): string {
  const size =
    fixedSides === null ? 'of any size' : `of ${fixedSides[1]} x ${fixedSides[0]} pixels and no other size`;
  return `It takes one picture ${size}: ${image.name}, ${tensorText(image)}.`;
}

function givesTexts({ outputs }: GraphReading, { roles }: ProposedTensors): string[] {
  const used = new Map(Object.entries(roles).map(([role, { name }]) => [name, role]));
  return outputs.map((output) => {
    const role = used.get(output.name);
    const use = role === undefined ? 'not used' : `taken as ${role}`;
    return `It gives ${output.name}, ${tensorText(output)}: ${use}.`;
  });
}
