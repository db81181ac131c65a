import type { ErrorData } from '../../preload/contract/errors.ts';
import type { CoverageInterval } from '../../preload/contract/footage.ts';
import type { SizePx } from '../../preload/contract/geometry.ts';
import type { RunParameters } from '../../preload/contract/runs.ts';
import type { FrameDetection, GraphForm } from '../detect/detection.ts';
import type { ModelLookReply, ModelLookRequest } from '../detect/modelLook.ts';
import type { FrameTrialReply, FrameTrialRequest, GraphReadRequest } from '../detect/frameTrial.ts';
import type { GuardedFailure } from '../detect/guardedProcess.ts';
import type { TrialReply, TrialRequest } from '../detect/trial.ts';
import type { TrackFinding } from '../track/track.ts';
import type { VideoSource } from '../video/videoSource.ts';

/** Start (or go on with) one run. One at a time per analyzer. */
export interface StartMessage {
  readonly kind: 'start';
  readonly runId: number;
  readonly source: VideoSource;
  readonly ffmpegPath: string;
  /** A manifest as JSON text and the weights beside it; hashed before a session is made. */
  readonly manifestJson: string;
  readonly weightsPath: string;
  readonly parameters: RunParameters;
  /** The footage's own extent and frame times, for the coverage ledger. */
  readonly startPtsUs: number;
  readonly endPtsUs: number;
  /** True when the header claims footage up to `endPtsUs` that is not in the file. */
  readonly isEndMissing: boolean;
  /** Upright size of the first frame, and the width of its pixels over their height, for the decoder's output size. */
  readonly sourceSize: SizePx;
  readonly pixelAspect: number;
  readonly frameTimesPath: string;
  readonly threads: number;
  /** Execution providers in order of preference, see `openOnBestProvider`. */
  readonly providers: readonly string[];
  /** Number of the first batch this start will send. */
  readonly nextSequence: number;
  readonly resume: { readonly checkpointPtsUs: number; readonly state: string } | null;
}

/** What is asked of a process of its own (see `askGuarded`): look through a model's file, or load and run it once. */
export type GuardedMessage = TrialRequest | GraphReadRequest | FrameTrialRequest | ModelLookRequest;

export type ToAnalyzer =
  | StartMessage
  | GuardedMessage
  | { readonly kind: 'acknowledge'; readonly runId: number; readonly sequence: number }
  /** Finish the batch under way, send it, then stop with `stopped`. */
  | { readonly kind: 'stop'; readonly runId: number }
  | { readonly kind: 'exit' };

export interface BatchDetection extends FrameDetection {
  readonly ptsUs: number;
  readonly trackId: number | null;
}

/** At most two seconds of work. Stored in one transaction with its checkpoint, then acknowledged. */
export interface Batch {
  readonly runId: number;
  readonly sequence: number;
  /** PTS of the frames analysed in this batch, ascending. */
  readonly analysedPtsUs: readonly number[];
  readonly detections: readonly BatchDetection[];
  readonly findings: readonly TrackFinding[];
  /** What became of the stretch this batch covers; joins the batch before without a gap. */
  readonly coverage: readonly CoverageInterval[];
  readonly checkpoint: { readonly ptsUs: number; readonly state: string };
  /** Counted in this batch only. */
  readonly counts: {
    readonly framesDecoded: number;
    readonly framesAnalysed: number;
    readonly framesSkipped: number;
    readonly inferenceMs: number;
    readonly wallMs: number;
  };
}

export type FromAnalyzer =
  | { readonly kind: 'ready' }
  | TrialReply
  | FrameTrialReply
  | GuardedFailure
  | ModelLookReply
  | {
      readonly kind: 'started';
      readonly runId: number;
      readonly provider: string;
      /** Why it is not the one asked for first; null when it is. */
      readonly providerNotice: string | null;
      readonly graphForm: GraphForm;
      readonly ffmpegVersion: string | null;
    }
  | { readonly kind: 'batch'; readonly batch: Batch }
  /** Between two batches; counted since this `start`. */
  | {
      readonly kind: 'progress';
      readonly runId: number;
      readonly ptsUs: number;
      readonly framesDecoded: number;
      readonly framesAnalysed: number;
    }
  | { readonly kind: 'stopped'; readonly runId: number }
  /** The last batch has been acknowledged. `isComplete` is false when frames are missing, undecodable or damaged. */
  | {
      readonly kind: 'done';
      readonly runId: number;
      readonly isComplete: boolean;
      readonly complaints: readonly string[];
    }
  | { readonly kind: 'failed'; readonly runId: number; readonly error: ErrorData };

/** Whether something that came over the analyzer's channel is one of its messages. */
export function isFromAnalyzer(message: unknown): message is FromAnalyzer {
  return typeof message === 'object' && message !== null && 'kind' in message;
}
