import { onTestFinished } from "vitest";

/** Sets environment variables until the test ends. `undefined` unsets a variable. */
export function setEnvironment(variables: Readonly<Record<string, string | undefined>>): void {
  const before = { ...process.env };
  for (const [name, value] of Object.entries(variables)) assign(name, value);
  onTestFinished(() => {
    for (const name of Object.keys(variables)) assign(name, before[name]);
  });
}

function assign(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
