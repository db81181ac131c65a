import type { Box } from '../../preload/contract/geometry.ts';

/**
 * Kalman filter of a box that moves at constant velocity.
 *
 * SORT (Bewley 2016) and ByteTrack filter eight numbers at once, but none of their matrices couples the axes, so the
 * filter falls apart into small ones without any loss: centre x and centre y with position and velocity, width and
 * height as plain levels. A size has no velocity here: extrapolated over a gap it makes boxes vanish or fill the
 * frame, which is why ByteTrack, too, stops the height of a lost track.
 *
 * Time is in seconds of media time. The noise is a rate, so that predicting once over 0.4 s is the same as predicting
 * twice over 0.2 s: frames without a detection, gaps and variable frame rates need no special case.
 */

/** Belief about one coordinate of the centre: px, px/s, and their covariance. */
export interface CentreAxis {
  readonly position: number;
  readonly velocity: number;
  readonly positionVariance: number;
  readonly covariance: number;
  readonly velocityVariance: number;
}

/** Belief about a width or a height: px and px². */
export interface SizeAxis {
  readonly length: number;
  readonly variance: number;
}

/** Belief about a box at one moment. Plain JSON. */
export interface BoxMotion {
  readonly centreX: CentreAxis;
  readonly centreY: CentreAxis;
  readonly width: SizeAxis;
  readonly height: SizeAxis;
}

/**
 * DeepSORT's and ByteTrack's noise: standard deviations of 1/20 of the box for a position and 1/160 of the box per
 * frame for a velocity, each frame. Per second at the 30 fps they were made for: variances of 30·(1/20)² box²/s and
 * 30·(30/160)² box²/s³. "The box" is their person's height; here the geometric mean of width and height, so that a car
 * seen from the side is not taken for a small thing.
 */
const FRAMES_PER_SEC = 30;
const POSITION_STD = 1 / 20;
const VELOCITY_STD = FRAMES_PER_SEC / 160;
const POSITION_VARIANCE_PER_SEC = FRAMES_PER_SEC * POSITION_STD ** 2;
const VELOCITY_VARIANCE_PER_SEC = FRAMES_PER_SEC * VELOCITY_STD ** 2;
const MEASUREMENT_VARIANCE = POSITION_STD ** 2;
/** Of a new track: twice and ten times the noise of one frame (DeepSORT, `KalmanFilter.initiate`). */
const FIRST_POSITION_VARIANCE = (2 * POSITION_STD) ** 2;
const FIRST_VELOCITY_VARIANCE = (10 * VELOCITY_STD) ** 2;

/** Belief after a first sight of a box: at rest, with a wide spread of velocities. */
export function motionFromBox(box: Box): BoxMotion {
  const area = squareScale(box.x1 - box.x0, box.y1 - box.y0);
  const centreAxis = (position: number): CentreAxis => ({
    position,
    velocity: 0,
    positionVariance: FIRST_POSITION_VARIANCE * area,
    covariance: 0,
    velocityVariance: FIRST_VELOCITY_VARIANCE * area,
  });
  const sizeAxis = (length: number): SizeAxis => ({ length, variance: FIRST_POSITION_VARIANCE * area });
  return {
    centreX: centreAxis((box.x0 + box.x1) / 2),
    centreY: centreAxis((box.y0 + box.y1) / 2),
    width: sizeAxis(box.x1 - box.x0),
    height: sizeAxis(box.y1 - box.y0),
  };
}

/** Belief `elapsedSec` ≥ 0 later, with nothing seen meanwhile. */
export function predictMotion(motion: BoxMotion, elapsedSec: number): BoxMotion {
  const area = squareScale(motion.width.length, motion.height.length);
  return {
    centreX: predictCentre(motion.centreX, elapsedSec, area),
    centreY: predictCentre(motion.centreY, elapsedSec, area),
    width: predictSize(motion.width, elapsedSec, area),
    height: predictSize(motion.height, elapsedSec, area),
  };
}

/** Belief after seeing `box` at the moment that was predicted. */
export function updateMotion(predicted: BoxMotion, box: Box): BoxMotion {
  const noise = MEASUREMENT_VARIANCE * squareScale(predicted.width.length, predicted.height.length);
  return {
    centreX: updateCentre(predicted.centreX, (box.x0 + box.x1) / 2, noise),
    centreY: updateCentre(predicted.centreY, (box.y0 + box.y1) / 2, noise),
    width: updateSize(predicted.width, box.x1 - box.x0, noise),
    height: updateSize(predicted.height, box.y1 - box.y0, noise),
  };
}

/** The most likely box. */
export function boxFromMotion(motion: BoxMotion): Box {
  const halfWidth = motion.width.length / 2;
  const halfHeight = motion.height.length / 2;
  return {
    x0: motion.centreX.position - halfWidth,
    y0: motion.centreY.position - halfHeight,
    x1: motion.centreX.position + halfWidth,
    y1: motion.centreY.position + halfHeight,
  };
}

/**
 * Squared Mahalanobis distance of `box` from a prediction: how many deviations off, over centre and size together;
 * χ² with four degrees of freedom when the box is the predicted thing (DeepSORT, §2.2).
 */
export function squaredDistance(predicted: BoxMotion, box: Box): number {
  const noise = MEASUREMENT_VARIANCE * squareScale(predicted.width.length, predicted.height.length);
  const { centreX, centreY, width, height } = predicted;
  return (
    ((box.x0 + box.x1) / 2 - centreX.position) ** 2 / (centreX.positionVariance + noise) +
    ((box.y0 + box.y1) / 2 - centreY.position) ** 2 / (centreY.positionVariance + noise) +
    (box.x1 - box.x0 - width.length) ** 2 / (width.variance + noise) +
    (box.y1 - box.y0 - height.length) ** 2 / (height.variance + noise)
  );
}

/** Square of the length that noise is measured in, px²; a degenerate box counts as one pixel. */
function squareScale(widthPx: number, heightPx: number): number {
  return Math.max(widthPx, 1) * Math.max(heightPx, 1);
}

/** White-noise acceleration plus a random walk of the position (Bar-Shalom 2001, §6.2.2). */
function predictCentre(axis: CentreAxis, elapsedSec: number, area: number): CentreAxis {
  const acceleration = VELOCITY_VARIANCE_PER_SEC * area * elapsedSec;
  const walk = POSITION_VARIANCE_PER_SEC * area * elapsedSec;
  return {
    position: axis.position + axis.velocity * elapsedSec,
    velocity: axis.velocity,
    positionVariance:
      axis.positionVariance +
      2 * elapsedSec * axis.covariance +
      elapsedSec ** 2 * axis.velocityVariance +
      (acceleration * elapsedSec ** 2) / 3 +
      walk,
    covariance: axis.covariance + elapsedSec * axis.velocityVariance + (acceleration * elapsedSec) / 2,
    velocityVariance: axis.velocityVariance + acceleration,
  };
}

function predictSize(axis: SizeAxis, elapsedSec: number, area: number): SizeAxis {
  return {
    length: axis.length,
    variance: axis.variance + POSITION_VARIANCE_PER_SEC * area * elapsedSec,
  };
}

function updateCentre(axis: CentreAxis, seen: number, noise: number): CentreAxis {
  const total = axis.positionVariance + noise;
  const positionGain = axis.positionVariance / total;
  const velocityGain = axis.covariance / total;
  const surprise = seen - axis.position;
  return {
    position: axis.position + positionGain * surprise,
    velocity: axis.velocity + velocityGain * surprise,
    positionVariance: (1 - positionGain) * axis.positionVariance,
    covariance: (1 - positionGain) * axis.covariance,
    velocityVariance: axis.velocityVariance - velocityGain * axis.covariance,
  };
}

function updateSize(axis: SizeAxis, seen: number, noise: number): SizeAxis {
  const gain = axis.variance / (axis.variance + noise);
  return { length: axis.length + gain * (seen - axis.length), variance: (1 - gain) * axis.variance };
}
