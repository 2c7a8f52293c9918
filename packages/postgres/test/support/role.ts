import { randomName } from "@manykv/test-services";
import type pg from "pg";

/** Creates a role that may only log in. Returns its name and a URL with its name and password. */
export async function testRole(admin: pg.Pool, url: string): Promise<{ readonly name: string; url: string }> {
  const name = randomName();
  const password = randomName();
  await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
  const own = new URL(url);
  own.username = name;
  own.password = password;
  return { name, url: own.href };
}
