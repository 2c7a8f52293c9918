/**
 * What the driver itself finds wrong. Each name has its row in the error table.
 *
 * | name | what happened |
 * | --- | --- |
 * | `Abandoned` | the attempt's time was over, or the caller cancelled |
 * | `ConnectionTimeout` | the server could not be reached in time |
 * | `UnusableCredentials` | no header can hold the credentials: they have a line break or the like |
 * | `ChecksumMismatch` | the answer is not what DynamoDB sent, by its own checksum |
 * | `MalformedAnswer` | the answer is not one that DynamoDB gives to that request |
 * | `ForeignCursor` | the cursor was not given by a listing of this bucket |
 * | `ForeignItem` | the item was not written by manykv: it has no binary value |
 * | `ForeignTable` | the table was not made by manykv: it has another key |
 */
export type DriverErrorName =
  | "Abandoned"
  | "ConnectionTimeout"
  | "UnusableCredentials"
  | "ChecksumMismatch"
  | "MalformedAnswer"
  | "ForeignCursor"
  | "ForeignItem"
  | "ForeignTable";

export class DriverError extends Error {
  override readonly name: DriverErrorName;

  constructor(name: DriverErrorName) {
    super(name);
    this.name = name;
  }
}
