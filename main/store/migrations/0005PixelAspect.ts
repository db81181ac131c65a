import type { Migration } from './migration.ts';

/** Footage of before was taken to have square pixels, and was analysed so. */
const SCHEMA =
  'ALTER TABLE footage ADD COLUMN pixel_aspect REAL NOT NULL DEFAULT 1 CHECK (pixel_aspect > 0);';

/** Version 5: width of a footage's pixels over their height. */
export const migration0005: Migration = {
  version: 5,
  apply: (database) => {
    database.exec(SCHEMA);
  },
};
