import type { ModelQuestion, QuestionId } from '../../preload/contract/modelProposals.ts';
import type { GraphReading } from './graphReading.ts';
import { PIXEL_VALUE_NAMES, PIXEL_VALUES, readColours } from './graphColours.ts';
import { ORIGIN_NAMES, type ModelOrigin } from './graphOrigin.ts';
import { OUTPUT_ROLES, type OutputRole, type ProposedTensors } from './graphTensors.ts';

/** What questions are made from. */
export interface QuestionContext {
  readonly reading: GraphReading;
  readonly tensors: ProposedTensors;
  readonly origin: ModelOrigin | null;
  readonly fileName: string;
}

/** A proposed answer and where it comes from. */
type Suggestion = Pick<ModelQuestion, 'proposed' | 'reason' | 'isCertain'>;

/** Every question that the model raises, in the order in which a person should meet them. */
export function proposeQuestions(context: QuestionContext): ModelQuestion[] {
  const { tensors } = context;
  return [
    nameQuestion(context),
    ...OUTPUT_ROLES.flatMap((role) => outputQuestions(role, tensors)),
    ...colourQuestions(context),
    ...(tensors.fixedSides === null ? [sizeQuestion(context)] : []),
    fitQuestion(context),
    boxSpaceQuestion(context),
    ...(tensors.roles.masks.name === null ? [] : [maskKindQuestion(context)]),
    ...classQuestions(context),
    minScoreQuestion(context),
    LICENCE_QUESTION,
  ];
}

function choice(
  id: QuestionId,
  text: string,
  choices: ReadonlyArray<readonly [value: string, text: string]>,
  suggestion: Suggestion,
): ModelQuestion {
  return {
    id,
    text,
    kind: 'choice',
    choices: choices.map(([value, words]) => ({ value, text: words })),
    ...suggestion,
  };
}

const certain = (proposed: string, reason: string): Suggestion => ({ proposed, reason, isCertain: true });
const guessed = (proposed: string, reason: string): Suggestion => ({ proposed, reason, isCertain: false });
const byOrigin = (proposed: string, origin: ModelOrigin): Suggestion =>
  certain(proposed, `As in ${ORIGIN_NAMES[origin]}`);

/** Chosen for "no such output". */
export const NO_OUTPUT = '';

function outputQuestions(role: OutputRole, { roles }: ProposedTensors): ModelQuestion[] {
  const { name, candidates, isCertain, reason } = roles[role];
  const canBeLeftOut = role === 'masks';
  if (candidates.length < (canBeLeftOut ? 1 : 2)) return [];
  const choices = candidates.map((candidate) => [candidate, candidate] as const);
  const without = canBeLeftOut ? [[NO_OUTPUT, 'none: boxes only'] as const] : [];
  const words = { boxes: 'the boxes', labels: 'the classes', scores: 'the scores', masks: 'the outlines' }[
    role
  ];
  return [
    choice(role, `Which output holds ${words}?`, [...choices, ...without], {
      proposed: name ?? NO_OUTPUT,
      reason,
      isCertain,
    }),
  ];
}

function colourQuestions({ reading, tensors, origin }: QuestionContext): ModelQuestion[] {
  const { channelOrder, pixelValues } = readColours(reading.normalisation);
  const isZoo = origin === 'maskrcnnBenchmark';
  const itself = 'The model brings colours onto its own scale, and its numbers say so';
  const order =
    channelOrder !== null
      ? certain(channelOrder, itself)
      : origin !== null
        ? byOrigin(isZoo ? 'BGR' : 'RGB', origin)
        : guessed('RGB', 'Most models; the file does not tell');
  const values =
    pixelValues !== null
      ? certain(pixelValues, itself)
      : origin !== null
        ? byOrigin(isZoo ? 'bytesCaffe' : 'unit', origin)
        : guessed('unit', 'Most exports from PyTorch; the file does not tell');
  const orders = [
    ['RGB', 'red first (RGB)'],
    ['BGR', 'blue first (BGR)'],
  ] as const;
  const question = choice('channelOrder', 'In which order does it take the colours?', orders, order);
  // Whole bytes can only be given as they are.
  if (tensors.image.type === 'uint8') return [question];
  const presets = PIXEL_VALUE_NAMES.map((name) => [name, PIXEL_VALUES[name].text] as const);
  return [
    question,
    choice('pixelValues', 'Which numbers does it take for dark and bright?', presets, values),
  ];
}

/** Shorter side, and the most the longer one may be, of R50 models (800 and 1333; Lin 2017) in proportion, and ours. */
const SIZES = ['416/693', '512/853', '576/1024', '640/1067', '800/1333', '1024/1706'] as const;

function sizeQuestion({ origin }: QuestionContext): ModelQuestion {
  const choices = SIZES.map((size) => [size, `shorter side ${size.split('/')[0] ?? ''} pixels`] as const);
  const suggestion =
    origin === null
      ? guessed(
          '800/1333',
          'What most two-stage models are trained at; smaller is faster and misses small things',
        )
      : byOrigin(origin === 'compact' ? '576/1024' : '800/1333', origin);
  return choice('size', 'How large should the picture be for it?', choices, suggestion);
}

function fitQuestion({ origin, tensors }: QuestionContext): ModelQuestion {
  const choices = [
    ['contain/1', 'kept in proportion'],
    ['contain/32', 'kept in proportion, with a margin up to steps of 32 pixels'],
    ['contain/64', 'kept in proportion, with a margin up to steps of 64 pixels'],
    ['stretch/32', 'stretched a little to steps of 32 pixels'],
    ['stretch/64', 'stretched a little to steps of 64 pixels'],
  ] as const;
  const text = 'How is the picture brought to that size?';
  if (tensors.fixedSides !== null)
    return choice(
      'fit',
      text,
      [
        ['contain/1', 'kept in proportion, with a margin'],
        ['stretch/1', 'stretched to fill it'],
      ],
      guessed('contain/1', 'It takes one size only; the file does not tell how pictures are brought to it'),
    );
  const known = { compact: 'stretch/64', torchvision: 'contain/1', maskrcnnBenchmark: 'contain/32' } as const;
  const suggestion =
    origin === null
      ? guessed('contain/32', 'What a feature pyramid of five levels needs; the file does not tell')
      : byOrigin(known[origin], origin);
  return choice('fit', text, choices, suggestion);
}

function boxSpaceQuestion({ origin }: QuestionContext): ModelQuestion {
  const choices = [
    ['inputPixels', 'in pixels of the picture it was given'],
    ['inputFraction', 'as fractions from 0 to 1 of that picture'],
  ] as const;
  const suggestion =
    origin === null
      ? guessed('inputPixels', 'Most two-stage models; a trial shows it at once')
      : byOrigin('inputPixels', origin);
  return choice('boxSpace', 'How does it measure boxes?', choices, suggestion);
}

/** He 2017 has 28 cells a side, and nobody many more; a mask over the whole picture is larger. */
const MOST_GRID_CELLS = 128;

function maskKindQuestion({ reading, tensors, origin }: QuestionContext): ModelQuestion {
  const choices = [
    ['boxGrid', 'a small grid laid over each box'],
    ['frame', 'a picture as large as the one it was given'],
  ] as const;
  const masks = reading.outputs.find(({ name }) => name === tensors.roles.masks.name);
  const [height, width] = masks?.dims?.slice(-2) ?? [];
  const isGrid = typeof height === 'number' && height === width && height <= MOST_GRID_CELLS;
  const isFrame = typeof height === 'number' && typeof width === 'number' && !isGrid;
  const suggestion = isGrid
    ? certain('boxGrid', `Every outline is ${height} x ${height} cells`)
    : isFrame
      ? certain('frame', `Every outline is ${width} x ${height} pixels`)
      : origin === 'torchvision'
        ? byOrigin('frame', origin)
        : guessed('frame', 'Their size is not stated, as it is where it differs with the picture');
  return choice('maskKind', 'What is an outline?', choices, suggestion);
}

function classQuestions(context: QuestionContext): ModelQuestion[] {
  const choices = [
    ['cocoId', 'COCO’s own numbers, 1 to 90 (torchvision)'],
    ['coco80From1', 'COCO’s 80 classes counted from 1'],
    ['coco80From0', 'COCO’s 80 classes counted from 0'],
    ['listFrom1', 'classes of its own, counted from 1'],
    ['listFrom0', 'classes of its own, counted from 0'],
  ] as const;
  const { classes } = context.reading;
  const names = Array.from(
    { length: Math.min(Math.max((classes ?? 2) - 1, 1), MOST_NAMED) },
    (_, i) => `class ${i + 1}`,
  );
  return [
    choice('classes', 'What do its class numbers mean?', choices, classSuggestion(context)),
    {
      id: 'classNames',
      text: 'Its own classes, a line each, in the order of their numbers',
      kind: 'lines',
      choices: [],
      ...guessed(names.join('\n'), 'No file of this kind holds names; only needed for classes of its own'),
    },
  ];
}

/** Longer lists are typed by nobody. */
const MOST_NAMED = 1000;

function classSuggestion({ reading, origin }: QuestionContext): Suggestion {
  const { classes, looksUpCocoIds } = reading;
  if (looksUpCocoIds) return certain('cocoId', 'It looks its classes up in a table of COCO’s numbers');
  if (classes === 91) return certain('cocoId', 'It tells 91 classes apart: COCO’s 1 to 90 and background');
  if (classes === 81) return certain('coco80From1', 'It tells 81 classes apart: COCO’s 80 and background');
  if (origin === 'maskrcnnBenchmark') return byOrigin('coco80From1', origin);
  if (classes === 80) return guessed('coco80From0', 'It tells 80 classes apart, as many as COCO has');
  if (classes !== null)
    return guessed('listFrom1', `It tells ${classes} classes apart, which are not COCO’s`);
  return guessed('cocoId', 'The file does not tell; person is 1 either way');
}

const MIN_SCORES = ['0.1', '0.2', '0.3', '0.4', '0.5', '0.6', '0.7', '0.8', '0.9'] as const;

function minScoreQuestion({ origin }: QuestionContext): ModelQuestion {
  const choices = MIN_SCORES.map((score) => [score, score] as const);
  const suggestion =
    origin === 'compact'
      ? byOrigin('0.3', origin)
      : certain('0.5', 'A usual start; it only decides what is shown first and can be changed at any time');
  return choice('minScore', 'From which score on are its finds worth looking at?', choices, suggestion);
}

function nameQuestion({ fileName }: QuestionContext): ModelQuestion {
  const stem = fileName.replace(/\.onnx$/i, '').trim();
  return {
    id: 'name',
    text: 'What should it be called?',
    kind: 'line',
    choices: [],
    ...certain(stem === '' ? 'My model' : stem.slice(0, 100), 'The name of the file'),
  };
}

const LICENCE_QUESTION: ModelQuestion = {
  id: 'licence',
  text: 'Under which licence did its makers give it?',
  kind: 'line',
  choices: [],
  ...certain('not stated', 'No file of this kind holds it; it is kept with what the model finds'),
};
