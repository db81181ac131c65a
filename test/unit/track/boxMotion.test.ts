import { describe, expect, it } from 'vitest';
import {
  boxFromMotion,
  motionFromBox,
  predictMotion,
  squaredDistance,
  updateMotion,
} from '../../../main/track/boxMotion.ts';
import type { BoxMotion } from '../../../main/track/boxMotion.ts';

const boxAt = (x: number, y: number, width = 40, height = 100) => ({
  x0: x - width / 2,
  y0: y - height / 2,
  x1: x + width / 2,
  y1: y + height / 2,
});

const numbersOf = (motion: BoxMotion): number[] =>
  Object.values(motion).flatMap((axis: Record<string, number>) => Object.values(axis));

/** See the test that uses it for the command. */
const REFERENCE = {
  position: 24.63436928702011,
  velocity: 105.91864716636196,
  positionVariance: 9.853747714808012,
  covariance: 42.367458866544894,
  velocityVariance: 2632.926759597807,
};

describe('boxMotion', () => {
  it('starts at rest on the box it saw', () => {
    const motion = motionFromBox(boxAt(100, 200));
    expect(boxFromMotion(motion)).toEqual(boxAt(100, 200));
    expect(boxFromMotion(predictMotion(motion, 3))).toEqual(boxAt(100, 200));
    expect(squaredDistance(motion, boxAt(100, 200))).toBe(0);
  });

  it('predicting once over a gap is predicting in steps', () => {
    const seen = updateMotion(predictMotion(motionFromBox(boxAt(0, 0)), 0.2), boxAt(30, 5));
    const once = numbersOf(predictMotion(seen, 0.6));
    const steps = numbersOf(predictMotion(predictMotion(predictMotion(seen, 0.1), 0.35), 0.15));
    for (const [index, number] of once.entries()) expect(steps[index]).toBeCloseTo(number, 6);
  });

  it('learns a constant velocity at an irregular rate', () => {
    let motion = motionFromBox(boxAt(0, 0));
    let timeSec = 0;
    for (const elapsedSec of [0.2, 0.04, 0.3, 0.2, 0.1, 0.25, 0.2, 0.2, 0.04, 0.2]) {
      const x = motion.centreX.position;
      motion = predictMotion(motion, elapsedSec);
      timeSec += elapsedSec;
      motion = updateMotion(motion, boxAt(120 * timeSec, -30 * timeSec));
      expect(motion.centreX.position).toBeGreaterThan(x);
    }
    expect(motion.centreX.velocity).toBeGreaterThan(110);
    expect(motion.centreX.velocity).toBeLessThan(130);
    expect(motion.centreY.velocity).toBeCloseTo(-30, -1);
  });

  /**
   * Against the textbook form x' = Fx, P' = FPFᵀ + Q, K = PHᵀ(HPHᵀ + R)⁻¹, P = (I - KH)P, in numpy:
   * `python3 -c "import numpy as np; A=4000.; q=30*(30/160)**2*A; w=30/400*A; R=A/400; dt=.2; F=np.array([[1,dt],[0,1.]]);
   *  Q=q*np.array([[dt**3/3,dt*dt/2],[dt*dt/2,dt]])+np.diag([w*dt,0]); H=np.array([[1.,0]]); x=np.zeros((2,1));
   *  P=np.diag([4*A/400,(300/160)**2*A]); x=F@x; P=F@P@F.T+Q; S=H@P@H.T+R; K=P@H.T/S; x=x+K*(25-x[0]); P=(np.eye(2)-K@H)@P;
   *  print(x.ravel(),P)"`
   */
  it('is the textbook filter', () => {
    const motion = updateMotion(predictMotion(motionFromBox(boxAt(0, 0)), 0.2), boxAt(25, 0));
    const { centreX } = motion;
    expect(centreX.position).toBeCloseTo(REFERENCE.position, 9);
    expect(centreX.velocity).toBeCloseTo(REFERENCE.velocity, 9);
    expect(centreX.positionVariance).toBeCloseTo(REFERENCE.positionVariance, 9);
    expect(centreX.covariance).toBeCloseTo(REFERENCE.covariance, 9);
    expect(centreX.velocityVariance).toBeCloseTo(REFERENCE.velocityVariance, 6);
  });
});
