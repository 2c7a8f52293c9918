import type { PostgresService } from "../service.js";
import { query } from "../support/postgres-client.js";
import { type Address, badAddress, deadAddress, hostAndPort } from "./address.js";
import { notOurs } from "./not-ours.js";

export async function postgresAt(address: Address): Promise<PostgresService> {
  const place = hostAndPort(address, ["postgres:", "postgresql:"], 5432);
  if (!place) throw badAddress(address, "postgres://user:password@host:port/database");
  const at = `${place.host}:${place.port}`;
  try {
    await query(address.url, "SELECT 1");
  } catch (error) {
    throw deadAddress(address, at, error);
  }
  return { ...notOurs(address, at), ...place };
}
