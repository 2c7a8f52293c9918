/** How the command ends, for scripts. Documented in its help and its README. */
export const exitCode = {
  done: 0,
  /** Some records were not written, or keys have no value. */
  incomplete: 1,
  /** Arguments, options, a URL or a value that cannot be used. */
  usage: 2,
  /** The store failed or refused. */
  store: 3,
  /** A file or a pipe could not be read or written. */
  file: 4,
  /** A defect of manykv itself. */
  defect: 70,
  /** SIGINT, as shells number it. */
  interrupted: 130,
  /** SIGTERM. */
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];
