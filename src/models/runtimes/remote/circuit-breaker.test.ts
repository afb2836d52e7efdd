import { describe, expect, it } from 'vitest';
import { HandClock } from '../../../../test/support/serving-fakes.ts';
import { CircuitBreaker } from './circuit-breaker.ts';

function setUp() {
  const clock = new HandClock();
  const breaker = new CircuitBreaker({ failures: 3, openMs: 1_000 }, clock);
  const settle = (isSuccess: boolean): void => breaker.admit()?.settle(isSuccess);
  const open = (): void => {
    for (let i = 0; i < 3; i++) settle(false);
  };
  return { clock, breaker, settle, open };
}

describe('CircuitBreaker', () => {
  it('opens after so many failures in a row, and lets nothing through', () => {
    const { breaker, settle } = setUp();
    settle(false);
    settle(false);
    expect(breaker.state).toBe('closed');
    settle(false);
    expect(breaker.state).toBe('open');
    expect(breaker.admit()).toBeNull();
    expect(breaker.waitMs).toBe(1_000);
  });

  it('forgets failures at a success', () => {
    const { breaker, settle } = setUp();
    settle(false);
    settle(false);
    settle(true);
    expect(breaker.failures).toBe(0);
    settle(false);
    settle(false);
    expect(breaker.state).toBe('closed');
  });

  it('lets one call try when its time is over, and no second beside it', () => {
    const { breaker, clock, open } = setUp();
    open();
    clock.advance(999);
    expect(breaker.admit()).toBeNull();
    clock.advance(1);
    expect(breaker.state).toBe('half-open');
    expect(breaker.waitMs).toBe(0);
    expect(breaker.admit()).not.toBeNull();
    expect(breaker.admit()).toBeNull();
  });

  it('closes when the one that tries succeeds', () => {
    const { breaker, clock, settle, open } = setUp();
    open();
    clock.advance(1_000);
    settle(true);
    expect(breaker.state).toBe('closed');
    expect(breaker.admit()).not.toBeNull();
    expect(breaker.admit()).not.toBeNull();
  });

  it('opens anew, for the whole time, when the one that tries fails', () => {
    const { breaker, clock, settle, open } = setUp();
    open();
    clock.advance(1_500);
    settle(false);
    expect(breaker.state).toBe('open');
    expect(breaker.waitMs).toBe(1_000);
    clock.advance(1_000);
    expect(breaker.admit()).not.toBeNull();
  });

  it('takes no word of calls that began before it opened', () => {
    const { breaker, clock, open } = setUp();
    const slow = breaker.admit();
    const slower = breaker.admit();
    open();
    slow?.settle(true);
    expect(breaker.state).toBe('open');
    clock.advance(600);
    slower?.settle(false);
    expect(breaker.waitMs).toBe(400);
  });

  it('takes one word of a call', () => {
    const { breaker } = setUp();
    const call = breaker.admit();
    for (let i = 0; i < 3; i++) call?.settle(false);
    expect(breaker.failures).toBe(1);
  });
});
