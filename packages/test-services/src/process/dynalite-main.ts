/** Main module of a separate process that runs dynalite. Arguments: the port and, to keep tables on disk, a folder. */
import dynalite from "dynalite";

const [, , port, path] = process.argv;

// dynalite throws if a client breaks a connection in the middle of a request. Tests do that on purpose, and the server
// must keep serving other connections.
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
// A request fails if the server closes an idle connection just when a client reuses it. So keep connections open.
server.keepAliveTimeout = 120_000;
server.listen(Number(port), "127.0.0.1", () => console.log(`listening on ${port}`));
