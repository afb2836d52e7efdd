import { expect, it } from 'vitest';
import { Pace } from './pace.ts';

it('rests only while it is pressed, in proportion and not for long', () => {
  const pace = new Pace();
  expect(pace.restAfter(5, 1000)).toBe(0);
  pace.isPressed = true;
  expect(pace.restAfter(5, 1000)).toBe(45);
  expect(pace.restAfter(1000, 1000)).toBe(100);
  pace.isPressed = false;
  expect(pace.restAfter(5, 1000)).toBe(0);
});

it('works through when too much is behind', () => {
  const pace = new Pace();
  pace.isPressed = true;
  expect(pace.restAfter(5, 65 << 20)).toBe(0);
});
