/** Serves dynalite in a process of its own: arguments are the port and, to keep tables on disk, a folder. */
import dynalite from "dynalite";

const [, , port, path] = process.argv;

// dynalite throws where a client breaks a connection in the middle of a request. Tests do that on purpose, and the
// server must go on serving the others.
process.on("uncaughtException", (error: NodeJS.ErrnoException) => {
  if (error.code === "ECONNRESET" || error.code === "EPIPE") return;
  console.error(error);
  process.exit(1);
});

const server = dynalite({
  ...(path && { path }),
  createTableMs: 0,
  deleteTableMs: 0,
  updateTableMs: 0,
});
// A pooled connection that the server closes while it is being used again looks like a fault to a client.
server.keepAliveTimeout = 120_000;
server.listen(Number(port), "127.0.0.1", () => console.log(`listening at ${port}`));
