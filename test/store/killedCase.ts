import { syntheticFootage } from './seedCase.ts';

/** What is being stored when the process is killed: some 800 batches of 20 detections. */
export const KILLED_SHAPE = { findingsPerFootage: 1_600, detectionsPerFinding: 10, detectionsPerBatch: 20 };

export const killedFootage = syntheticFootage(0, { clocked: true, hoursPerFootage: 24 });
