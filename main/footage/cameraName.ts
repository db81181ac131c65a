import { basename, dirname, parse } from 'node:path';
import { withoutTimes } from './recordingClock.ts';

/**
 * The camera of one of a file's video streams. The first one's is the file's, so that a recorder's camera is one lane
 * whether or not a second lens was recorded with it; each of the others is a camera of its own.
 */
export function cameraOfStream(camera: string, videoStream: number): string {
  return videoStream === 0 ? camera : `${camera} · stream ${videoStream + 1}`;
}

/**
 * The camera a file is taken to come from: the folder it lies in, because recorders and people keep a folder for each
 * camera. A file that lies in `receivedFolder` itself was dropped in a browser without a folder: there its own name
 * says most, without the time a recorder writes in it, so that all recordings of one camera get one name.
 */
export function cameraFromPath(path: string, receivedFolder: string): string {
  const folder = dirname(path);
  if (folder !== receivedFolder) return basename(folder) || basename(path);
  const { name } = parse(path);
  return withoutTimes(name).replace(/^[-_.\s]+|[-_.\s]+$/g, '') || name;
}
