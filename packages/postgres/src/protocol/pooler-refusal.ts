/** Why a pooler refuses a client or a statement without sending the statement to a server. */
export type PoolerRefusal = "login" | "database" | "parameter" | "busy";

/**
 * The SQLSTATEs with which poolers report most of their own errors: protocol violation, connection failures, and
 * internal errors. Their texts say what happened. PostgreSQL itself uses these SQLSTATEs with other texts.
 */
const vague = /^(08...|XX000)$/;

/** The texts of PgBouncer, Supavisor, Odyssey and the proxies of Neon and RDS, which do not translate their errors. */
const texts: readonly (readonly [text: RegExp, refusal: PoolerRefusal])[] = [
  [/unsupported startup parameter|endpoint id is not specified/i, "parameter"],
  [/query_wait_timeout|client_login_timeout|server login (failed|has been failing)/i, "busy"],
  [/no more connections allowed|max ?client|too many (connections|clients)|pooler is shut/i, "busy"],
  [/cannot connect to server|server DNS lookup failed|failed to connect to remote server/i, "busy"],
  [/timed[- ]out waiting to acquire database connection|control plane request failed/i, "busy"],
  [/no such database|database "?.*"? (is disabled|does not exist)|route for .* is not found/i, "database"],
  [/authentication failed|auth failed|no such user|login rejected|tenant or user not found/i, "login"],
  [/no credentials for the role|incorrect password|invalid password/i, "login"],
];

/** Returns why a pooler refused, or `undefined` if the error is not one of these. */
export function poolerRefusal(state: string, text: string): PoolerRefusal | undefined {
  return vague.test(state) ? texts.find(([pattern]) => pattern.test(text))?.[1] : undefined;
}
