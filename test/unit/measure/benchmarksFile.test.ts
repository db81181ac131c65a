import { describe, expect, it } from 'vitest';
import { fillSection, markdownTable } from '../../measure/benchmarksFile.ts';

describe('fillSection', () => {
  const text = 'before\n<!-- a: begin -->\nold\n<!-- a: end -->\nafter\n<!-- b: begin -->\n<!-- b: end -->\n';

  it('replaces what stands between the marks of its name and nothing else', () => {
    const filled = fillSection(text, 'a', 'new');
    expect(filled).toBe(text.replace('old', 'new'));
    expect(fillSection(filled ?? '', 'a', 'new')).toBe(filled);
    expect(fillSection(text, 'b', 'x')).toContain('<!-- b: begin -->\nx\n<!-- b: end -->');
  });

  it('leaves a text without the marks alone', () => {
    expect(fillSection(text, 'c', 'new')).toBeNull();
  });
});

describe('markdownTable', () => {
  it('sets numbers to the right', () => {
    expect(markdownTable(['what', 'ms'], [['one', '2']])).toBe('| what | ms |\n| --- | ---: |\n| one | 2 |');
  });
});
