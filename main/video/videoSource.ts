import type { Footage } from '../../preload/contract/footage.ts';

/**
 * One moving video stream of a file, which is what all reading of footage is asked for: a file can hold several, and
 * each of them is a footage of its own. A stored footage is one.
 */
export type VideoSource = Pick<Footage, 'path' | 'videoStream' | 'videoStreams'>;

/** The video of a file that holds one: a clip made here, a picture, a file that is not footage of a case. */
export function onlyVideo(path: string): VideoSource {
  return { path, videoStream: 0, videoStreams: 1 };
}

/** What a footage is read from, without the rest of it. */
export function videoOf({ path, videoStream, videoStreams }: VideoSource): VideoSource {
  return { path, videoStream, videoStreams };
}

/** True where other streams lie between this one's packets, and may begin, end and have their key frames elsewhere. */
export function hasOthers({ videoStreams }: Pick<VideoSource, 'videoStreams'>): boolean {
  return videoStreams > 1;
}
