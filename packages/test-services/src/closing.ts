/** Makes `close` of a driver also call `end`, which may close a client: a test suite closes only the driver. */
export function closing<Driver extends { close(): Promise<void> }>(driver: Driver, end: () => unknown): Driver {
  const close = driver.close.bind(driver);
  driver.close = async () => {
    await close();
    await end();
  };
  return driver;
}
