export type ThemeChoice = 'system' | 'light' | 'dark';

const STORAGE_KEY = 'sightline.theme';
const NEXT: Readonly<Record<ThemeChoice, ThemeChoice>> = { system: 'light', light: 'dark', dark: 'system' };

/** Light or dark: the system's, until the person chooses. */
export class Theme {
  choice = $state<ThemeChoice>(storedChoice());
  /** Counts what may have changed the colours, for canvases that must draw again. */
  version = $state(0);

  constructor() {
    this.#apply();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => (this.version += 1));
  }

  next(): void {
    this.choice = NEXT[this.choice];
    localStorage.setItem(STORAGE_KEY, this.choice);
    this.#apply();
  }

  #apply(): void {
    document.documentElement.dataset['theme'] = this.choice;
    this.version += 1;
  }
}

function storedChoice(): ThemeChoice {
  const stored = localStorage.getItem(STORAGE_KEY);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

/** The colour a design token has now, in a form that a canvas takes. */
export function tokenColour(element: Element, token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  element.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
