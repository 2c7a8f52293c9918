import { requirePrograms } from "@manykv/test-services/required-programs";

/** Vitest calls this function before the first test. */
export default function requireMariadb(): Promise<void> {
  return requirePrograms("backends", { mariadbd: "mariadb-server" });
}
