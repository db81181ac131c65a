import type { ClipRequest } from '../../preload/contract/evidence.ts';
import type { FootageId } from '../../preload/contract/ids.ts';

/** The one dialog that is open, with what it is about. */
export type OpenDialog =
  | { readonly kind: 'case' }
  | { readonly kind: 'browse' }
  | { readonly kind: 'relocate'; readonly footageId: FootageId }
  | { readonly kind: 'clock'; readonly footageId: FootageId }
  | { readonly kind: 'analyse'; readonly footageIds: readonly FootageId[] }
  | { readonly kind: 'runs' }
  | { readonly kind: 'models' }
  /** Null where the file says which model it is. */
  | { readonly kind: 'modelFile'; readonly modelId: string | null }
  /** A model without a manifest, see WizardState; and the choice of a file to try it on. */
  | { readonly kind: 'modelWizard'; readonly focus: 'questions' | 'frame' }
  | { readonly kind: 'modelFrame' }
  | {
      readonly kind: 'export';
      readonly range: Pick<ClipRequest, 'footageId' | 'fromPtsUs' | 'toPtsUs' | 'findingId'>;
    }
  | { readonly kind: 'exhibits' }
  | { readonly kind: 'shortcuts' };

/** Which dialog is open. */
export class Dialogs {
  open = $state.raw<OpenDialog | null>(null);

  show(dialog: OpenDialog): void {
    this.open = dialog;
  }

  readonly close = (): void => {
    this.open = null;
  };
}
