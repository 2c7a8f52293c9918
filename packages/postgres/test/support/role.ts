import { randomName } from "@manykv/test-services";
import type pg from "pg";

/** A role that may log in and nothing else, and its URL. */
export async function testRole(admin: pg.Pool, url: string): Promise<{ readonly name: string; url: string }> {
  const name = randomName();
  const password = randomName();
  await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
  const own = new URL(url);
  own.username = name;
  own.password = password;
  return { name, url: own.href };
}
