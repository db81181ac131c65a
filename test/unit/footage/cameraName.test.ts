import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cameraFromPath } from '../../../main/footage/cameraName.ts';

const RECEIVED = join('/cases', 'one', 'received');

it('is the folder the file lies in', () => {
  expect(cameraFromPath(join('/nvr', 'Door 1', 'a.mp4'), RECEIVED)).toBe('Door 1');
  expect(cameraFromPath(join(RECEIVED, 'Door 1', 'a.mp4'), RECEIVED)).toBe('Door 1');
  expect(cameraFromPath('/a.mp4', RECEIVED)).toBe('a.mp4');
});

it.each([
  ['Gate.mp4', 'Gate'],
  ['gate north 2024-05-01_12-30-00.mp4', 'gate north'],
  ['NVR_ch3_main_20240501123000_20240501124500.mp4', 'NVR_ch3_main'],
  ['clip-1714566600.mkv', 'clip'],
  ['20240501123000.mp4', '20240501123000'],
])('is what the name of %s says beside the time, where it was dropped by itself', (name, camera) => {
  expect(cameraFromPath(join(RECEIVED, name), RECEIVED)).toBe(camera);
});
