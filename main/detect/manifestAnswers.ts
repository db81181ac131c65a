import { AppError } from '../../preload/contract/errors.ts';
import type { ModelAnswers, ModelQuestion, QuestionId } from '../../preload/contract/modelProposals.ts';
import { parseManifest, type Labels, type Manifest } from './manifest.ts';
import type { ManifestProposal } from './manifestProposal.ts';
import { normalisationFor, PIXEL_VALUE_NAMES } from './graphColours.ts';
import { NO_OUTPUT } from './manifestQuestions.ts';

export interface ProposedManifestOptions {
  readonly proposal: ManifestProposal;
  readonly answers: ModelAnswers;
  readonly modelId: string;
  readonly weights: Manifest['weights'];
  /** Where the model comes from, for its card. */
  readonly provenance: string;
}

/**
 * The manifest that follows from a proposal and a person's answers.
 * @throws AppError input.invalid for an answer that is none, model.invalidManifest.
 */
export function manifestFromAnswers(options: ProposedManifestOptions): Manifest {
  const { proposal, modelId, weights, provenance } = options;
  const answer = answersOf(proposal.questions, options.answers);
  const { image, layout, roles } = proposal.tensors;
  const tensor = (role: keyof typeof roles): string => answer(role, roles[role].name ?? NO_OUTPUT);
  const masks = tensor('masks');
  const kind = answer('maskKind', 'boxGrid');
  const manifest = {
    schemaVersion: 1,
    modelId,
    name: answer('name', modelId).trim(),
    family: masks === NO_OUTPUT ? 'faster-rcnn' : 'mask-rcnn',
    origin: 'added',
    licence: answer('licence', 'not stated').trim(),
    weights,
    input: {
      tensor: image.name,
      dtype: image.type,
      layout,
      ...coloursFrom(answer),
      size: sizeFrom(answer, proposal),
    },
    outputs: {
      boxes: { tensor: tensor('boxes'), space: answer('boxSpace', 'inputPixels') },
      labels: labelsFrom(answer, tensor('labels')),
      scores: { tensor: tensor('scores') },
      masks: masks === NO_OUTPUT ? null : { tensor: masks, kind },
    },
    defaultMinScore: Number(answer('minScore', '0.5')),
    accuracy: { published: null, measured: [] },
    provenance,
    notes: null,
  };
  return parseManifest(JSON.stringify(manifest), `of ${weights.file}`);
}

/** A model id out of a person's words: lower-case letters, digits, dots and hyphens. */
export function modelIdFrom(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-');
  return (
    plain
      .replace(/^[^a-z0-9]+/, '')
      .slice(0, 90)
      .replace(/[-.]+$/, '') || 'model'
  );
}

/** Gives the answer to a question, or what holds where the model does not raise it. */
type Answer = (id: QuestionId, otherwise: string) => string;

function answersOf(questions: readonly ModelQuestion[], answers: ModelAnswers): Answer {
  for (const [id, value] of Object.entries(answers)) {
    const question = questions.find((asked) => asked.id === id);
    if (question === undefined) throw noAnswer(`Nothing is asked about ${id} of this model`, id);
    const isChoice = question.kind !== 'choice' || question.choices.some((given) => given.value === value);
    const choices = question.choices.map((given) => given.value || '(empty)').join(', ');
    if (!isChoice)
      throw noAnswer(`“${value}” is no answer to “${question.text}”; choose one of ${choices}`, id);
    if (question.kind === 'line' && value.trim() === '')
      throw noAnswer(`“${question.text}” needs an answer`, id);
  }
  return (id, otherwise) =>
    answers[id] ?? questions.find((question) => question.id === id)?.proposed ?? otherwise;
}

function coloursFrom(answer: Answer): Pick<Manifest['input'], 'channelOrder' | 'range' | 'mean' | 'std'> {
  const channelOrder = answer('channelOrder', 'RGB') === 'BGR' ? 'BGR' : 'RGB';
  const asked = answer('pixelValues', 'bytes');
  const pixelValues = PIXEL_VALUE_NAMES.find((name) => name === asked) ?? 'bytes';
  return { channelOrder, ...normalisationFor(pixelValues, channelOrder) };
}

/** Of a graph that takes one size only, that size; the manifest's rule is then not used for more than its fit. */
function sizeFrom(answer: Answer, { tensors }: ManifestProposal): Record<string, unknown> {
  const [fit = 'contain', multiple = '1'] = answer('fit', 'contain/32').split('/');
  const sides = tensors.fixedSides ?? answer('size', '800/1333').split('/').map(Number);
  return {
    kind: 'shortSide',
    shortSidePx: Math.min(...sides),
    longSideMaxPx: Math.max(...sides),
    multiplePx: Number(multiple),
    fit,
    padValue: 0,
  };
}

function labelsFrom(answer: Answer, tensor: string): Labels {
  const classes = answer('classes', 'cocoId');
  if (classes === 'cocoId') return { kind: 'cocoId', tensor };
  const offset = classes.endsWith('From0') ? 0 : 1;
  if (classes.startsWith('coco80')) return { kind: 'contiguous', tensor, offset, classNames: 'coco80' };
  const lines = answer('classNames', '').split('\n');
  const classNames = lines.map((line) => line.trim()).filter((line) => line !== '');
  if (classNames.length > 0) return { kind: 'contiguous', tensor, offset, classNames };
  throw noAnswer('Name at least one class: a model of classes of its own needs them', 'classNames');
}

function noAnswer(message: string, id: string): AppError {
  return new AppError('input.invalid', message, { detail: { question: id } });
}
