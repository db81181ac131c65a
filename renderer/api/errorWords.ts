import { AppError } from '../../preload/contract/errors.ts';
import type { ErrorCode, ErrorData } from '../../preload/contract/errors.ts';

/** What an error is called on screen, and what the person can do about it when the message does not say. */
interface Words {
  readonly title: string;
  readonly advice: string | null;
}

const WORDS: Readonly<Record<ErrorCode, Words>> = {
  'file.notFound': { title: 'File not found', advice: 'Check that the drive is connected.' },
  'file.unreadable': { title: 'File cannot be read', advice: 'Check the permissions of the file.' },
  'file.isFolder': { title: 'This is a folder', advice: 'Choose a file.' },
  'file.changed': {
    title: 'File has changed since it was added',
    advice: 'Its contents no longer match their hash. Use an untouched copy.',
  },
  'file.exists': { title: 'A file of this name is already there', advice: 'Choose another name or folder.' },
  'disk.full': { title: 'Disk is full', advice: 'Free some space and try again.' },
  'video.notVideo': { title: 'Not a video', advice: null },
  'video.noVideoStream': { title: 'No picture in this file', advice: 'It may hold sound only.' },
  'video.noFrames': { title: 'No frame could be decoded', advice: null },
  'video.incomplete': {
    title: 'Recording has no usable index',
    advice: 'Nothing of it could be looked at. Export it again, or have its index rebuilt.',
  },
  'video.tooLarge': { title: 'Picture is too large', advice: null },
  'video.encrypted': { title: 'Video is encrypted', advice: 'Export it from the recorder unencrypted.' },
  'video.timeout': { title: 'Decoding took too long', advice: 'The file may be damaged.' },
  'video.unsupportedFormat': {
    title: 'Format is not supported',
    advice: 'Convert it with the maker’s player.',
  },
  'footage.duplicate': { title: 'Already in this case', advice: null },
  'ffmpeg.missing': { title: 'ffmpeg is missing', advice: 'Install ffmpeg, then start Sightline again.' },
  'ffmpeg.failed': { title: 'ffmpeg stopped', advice: null },
  'model.notFound': { title: 'Unknown model', advice: null },
  'model.notInstalled': { title: 'Model is not installed', advice: 'Choose a model that is.' },
  'model.hashMismatch': {
    title: 'Model file is not the one it claims to be',
    advice: 'Its SHA-256 differs from the manifest. It was not used.',
  },
  'model.invalidManifest': { title: 'Model manifest is not valid', advice: null },
  'model.unexpectedShape': { title: 'Model gives something else than its manifest says', advice: null },
  'model.loadFailed': { title: 'Model could not be loaded', advice: null },
  'model.refused': {
    title: 'Model is not safe to load',
    advice: 'Get it from its makers, or choose another.',
  },
  'model.unsupported': { title: 'Not a detector that Sightline can use', advice: null },
  'model.tooLarge': { title: 'Model takes too much memory', advice: 'Choose a smaller one.' },
  'model.tooSlow': { title: 'Model takes too long', advice: 'Choose a smaller one.' },
  'model.busy': { title: 'Model is being worked on', advice: 'Wait until that is done.' },
  'model.inUse': { title: 'An analysis needs this model', advice: 'Let it finish, or cancel it.' },
  'model.notRemovable': { title: 'This model ships with Sightline', advice: null },
  'model.notPublished': { title: 'Nobody publishes this file', advice: 'Add it from a file.' },
  'model.fixedProposals': {
    title: 'This model cannot do with fewer proposals',
    advice: 'Analyse with as many as it was made with.',
  },
  'network.unreachable': { title: 'No connection', advice: null },
  'network.interrupted': {
    title: 'The connection broke',
    advice: 'What came is kept. Resume when it is back.',
  },
  'network.refused': { title: 'The file was not to be had', advice: null },
  'run.notFound': { title: 'No such analysis', advice: null },
  'run.wrongState': { title: 'The analysis is not in a state that allows this', advice: null },
  'analyzer.crashed': { title: 'The analyzer crashed', advice: 'Retry, or try another model.' },
  'analyzer.failed': { title: 'The analysis failed', advice: null },
  'case.notFound': { title: 'Case not found', advice: 'Check that the drive is connected.' },
  'case.notACase': { title: 'This folder is not a case', advice: 'Open a folder that holds case.sqlite.' },
  'case.locked': { title: 'Case is open elsewhere', advice: 'Close it there first.' },
  'case.tooNew': { title: 'Case was made by a newer Sightline', advice: 'Open it with that version.' },
  'case.damaged': { title: 'Case is damaged', advice: 'Restore the folder from a copy.' },
  'footage.notFound': { title: 'Footage is not in this case', advice: null },
  'finding.notFound': { title: 'Finding is not in this case any more', advice: null },
  'exhibit.notFound': { title: 'Exhibit is not in this case', advice: null },
  'clip.emptyRange': { title: 'No frame in this range', advice: 'Move the marks further apart.' },
  'clip.notVerified': {
    title: 'Clip did not pass its check',
    advice: 'It was not kept. Try the exact mode.',
  },
  'input.invalid': { title: 'This was not accepted', advice: null },
  internal: { title: 'Something went wrong', advice: 'Try again. The log has the details.' },
};

/** Words for the screen. `detail` is what happened to which file, as the host said it. */
export interface ErrorText {
  readonly title: string;
  readonly detail: string;
  readonly advice: string | null;
}

/** Words for an error that came as data, such as a refused file or a failed run. */
export function errorTextFromData(data: ErrorData): ErrorText {
  const { title, advice } = WORDS[data.code];
  const detail = data.message === title ? '' : data.message;
  // Not twice where the message says it already.
  return { title, detail, advice: advice !== null && detail.includes(advice) ? null : advice };
}

/** Words for anything thrown. */
export function errorText(thrown: unknown): ErrorText {
  if (thrown instanceof AppError) return errorTextFromData(thrown);
  return { ...WORDS.internal, detail: thrown instanceof Error ? thrown.message : String(thrown) };
}
