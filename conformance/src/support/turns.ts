/**
 * Returns whether a promise settles within some turns of the event loop. Counts turns instead of time, so that the
 * answer does not depend on how busy the machine is.
 */
export async function settlesWithinTurns(promise: Promise<unknown>, turns: number): Promise<boolean> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  promise.then(settle, settle);
  for (let turn = 0; turn < turns && !isSettled; turn++) await nextTurn();
  return isSettled;
}

/** Waits for the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
