import { z } from 'zod';

/** Row ids of a case, branded so that one kind can never be passed for another. */
export const FootageId = z.number().int().positive().brand<'FootageId'>();
export type FootageId = z.infer<typeof FootageId>;

export const RunId = z.number().int().positive().brand<'RunId'>();
export type RunId = z.infer<typeof RunId>;

export const FindingId = z.number().int().positive().brand<'FindingId'>();
export type FindingId = z.infer<typeof FindingId>;

export const ExhibitId = z.number().int().positive().brand<'ExhibitId'>();
export type ExhibitId = z.infer<typeof ExhibitId>;

/** Track number inside one run: 1, 2, 3 … in the order the tracker opened them. */
export const TrackId = z.number().int().positive().brand<'TrackId'>();
export type TrackId = z.infer<typeof TrackId>;
