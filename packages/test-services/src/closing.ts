/** Makes `close` of a driver also call `end`, even if `close` fails. A suite closes the driver, but no client or proxy of it. */
export function closing<Driver extends { close(): Promise<void> }>(driver: Driver, end: () => unknown): Driver {
  const close = driver.close.bind(driver);
  driver.close = async () => {
    try {
      await close();
    } finally {
      await end();
    }
  };
  return driver;
}
