import type { Driver } from "@manykv/core/driver";

/** Receives a fault that was injected, in words, and what it concerns, such as a request. */
export type FaultListener = (what: string, of?: string) => void;

const listeners: WeakMap<Driver, FaultListener> = new WeakMap();

/** Makes a `faultDriver` on top of `driver` report the faults that it injects. */
export function onFault(driver: Driver, listener: FaultListener): void {
  listeners.set(driver, listener);
}

/** Returns the listener of a driver or of the driver that it wraps. */
export function faultListenerOf(driver: Driver): FaultListener | undefined {
  return listeners.get(driver);
}
