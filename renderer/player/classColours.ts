import { tokenColour } from '../app/theme.svelte.ts';
import { classToken } from '../findings/classColour.ts';

/** Colours of classes in a form that a canvas takes, each read from the design tokens once. */
export class ClassColours {
  readonly #byToken = new Map<string, string>();

  /** The colour that the tokens have within `element`. */
  of(element: Element, className: string): string {
    const token = classToken(className);
    const known = this.#byToken.get(token);
    if (known !== undefined) return known;
    const colour = tokenColour(element, token);
    this.#byToken.set(token, colour);
    return colour;
  }
}
