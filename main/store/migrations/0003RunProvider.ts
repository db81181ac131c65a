import type { Migration } from './migration.ts';

/** Runs kept how their model ran in one text, `cpu (levels merged)`, and could ask for no provider but the CPU. */
const SCHEMA = `
ALTER TABLE runs ADD COLUMN wanted_provider TEXT NOT NULL DEFAULT 'cpu';
ALTER TABLE runs ADD COLUMN provider_notice TEXT;
ALTER TABLE runs ADD COLUMN graph_form TEXT CHECK (graph_form IN ('original', 'levelsMerged'));
UPDATE runs SET
  graph_form = CASE WHEN provider LIKE '%levels merged%' THEN 'levelsMerged' ELSE 'original' END,
  provider = CASE WHEN instr(provider, ' (') > 0 THEN substr(provider, 1, instr(provider, ' (') - 1) ELSE provider END
WHERE provider IS NOT NULL;
`;

/** Version 3: which provider was asked for, which one ran, and why not the other. */
export const migration0003: Migration = {
  version: 3,
  apply: (database) => {
    database.exec(SCHEMA);
  },
};
