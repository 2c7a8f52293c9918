import { randomBytes } from "node:crypto";

/** A bucket or prefix that no other contender has, about as long as those that people choose. */
export function ownName(): string {
  return `bench${randomBytes(3).toString("hex")}`;
}
