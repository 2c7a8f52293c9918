import { Random } from "@manykv/conformance/faults";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ServiceClock } from "../src/transport/service-clock.js";

const start = Date.parse("2026-11-26T12:00:00.000Z");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: start });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A service whose clock is ahead of the clock of this machine, and requests that take random times. */
class Service {
  readonly #random: Random;
  /** The service's time minus the time of this machine, in milliseconds. */
  ahead: number;

  constructor(seed: number, ahead: number) {
    this.#random = new Random(seed);
    this.ahead = ahead;
  }

  get time(): number {
    return Date.now() + this.ahead;
  }

  /** Sends requests at random times. The server renews its `Date` header up to `lateness` milliseconds late. */
  exchange(clock: ServiceClock, count: number, lateness = 0): void {
    for (let request = 0; request < count; request++) {
      this.#pass(3_000);
      const sentAt = Date.now();
      this.#pass(100);
      const date = new Date(this.time - this.#random.integer(0, lateness)).toUTCString();
      this.#pass(100);
      clock.observe(sentAt, Date.now(), date);
    }
  }

  #pass(longest: number): void {
    vi.setSystemTime(Date.now() + this.#random.integer(0, longest));
  }
}

const seeds = Array.from({ length: 50 }, (_, seed) => seed);

describe("the estimate of the service's time", () => {
  test("is the time of this machine before the first response", () => {
    expect(new ServiceClock().now()).toBe(start);
  });

  test.each([0, 60])("is the time of this machine if it is right and the header is %i ms late", (lateness) => {
    for (const seed of seeds) {
      const clock = new ServiceClock();
      const service = new Service(seed, 0);
      for (let round = 0; round < 20; round++) {
        service.exchange(clock, 5, lateness);
        expect(clock.now() - Date.now(), `seed ${seed}`).toBe(0);
      }
    }
  });

  test.each([-86_400_000, -5_000, -1_500, 1_500, 5_000, 86_400_000])(
    "is at most 1,200 ms wrong after one response and 250 ms after 100, if the service is %i ms ahead",
    (ahead) => {
      for (const seed of seeds) {
        const clock = new ServiceClock();
        const service = new Service(seed, ahead);
        service.exchange(clock, 1);
        expect(Math.abs(clock.now() - service.time), `seed ${seed}`).toBeLessThanOrEqual(1_200);
        service.exchange(clock, 99);
        expect(Math.abs(clock.now() - service.time), `seed ${seed}`).toBeLessThanOrEqual(250);
      }
    },
  );

  test.each([-3_600_000, 3_600_000])("follows a clock that is set by %i ms", (change) => {
    for (const seed of seeds) {
      const clock = new ServiceClock();
      const service = new Service(seed, 0);
      service.exchange(clock, 100);
      service.ahead += change;
      service.exchange(clock, 1);
      expect(Math.abs(clock.now() - service.time), `seed ${seed}`).toBeLessThanOrEqual(1_200);
      service.ahead -= change;
      service.exchange(clock, 1);
      expect(clock.now() - Date.now(), `seed ${seed}`).toBe(0);
    }
  });

  test.each([undefined, "", "yesterday"])("ignores the header %s", (date) => {
    const clock = new ServiceClock();
    clock.observe(start, start + 10, date);
    expect(clock.now()).toBe(start);
  });

  test("ignores a response during which the clock of this machine was set back", () => {
    const clock = new ServiceClock();
    clock.observe(start + 3_600_000, start, new Date(start).toUTCString());
    expect(clock.now()).toBe(start);
  });
});

test("the latest expiry is an exact integer", () => {
  expect(new ServiceClock().expiryAfter(Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
});
