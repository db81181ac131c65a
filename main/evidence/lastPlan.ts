import type { ClipRequest } from '../../preload/contract/evidence.ts';
import { planClip } from './clipPlan.ts';
import type { ClipSource, WorkedOutClip } from './clipPlan.ts';

/**
 * The plan worked out last, kept because the export that follows asks for the same one: over damaged footage a plan
 * decodes the whole stretch. What is drawn into the picture changes nothing in it.
 */
export class LastPlan {
  #key: string | null = null;
  #clip: WorkedOutClip | null = null;

  /** As {@link planClip}. @param version Changes when the recording's file does. */
  async plan(
    request: ClipRequest,
    source: ClipSource,
    options: { readonly version: string; readonly signal: AbortSignal },
  ): Promise<WorkedOutClip> {
    const { footageId, fromPtsUs, toPtsUs, mode } = request;
    const { isIndexTrusted, footage, frameTimesUs } = source;
    const asked = [footageId, fromPtsUs, toPtsUs, mode, isIndexTrusted];
    const key = JSON.stringify([...asked, footage.path, frameTimesUs.length, options.version]);
    // Drawing is refused in a copy: whether it is asked for is part of what a plan of a copy answers.
    const isDrawn = request.burnBoxes || request.burnTimes;
    const known = this.#key === key && !(mode === 'copy' && isDrawn) ? this.#clip : null;
    const clip = known ?? (await planClip(request, source, options.signal));
    this.#key = key;
    this.#clip = clip;
    return { ...clip, plan: { ...clip.plan, request } };
  }
}
