import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { type Spread, spread } from "../measure/statistics.js";
import { openLink } from "./link.js";

const turns = 200;

/** How long a round trip takes without a link and over one, in milliseconds: what a delay of so much is in truth. */
export async function measureDelay(delay: number): Promise<{ direct: Spread; linked: Spread }> {
  const echo = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const { port } = echo.address() as AddressInfo;
  await using link = await openLink("127.0.0.1", port, delay);
  const result = { direct: await roundTrip(port), linked: await roundTrip(link.port) };
  echo.close();
  return result;
}

async function roundTrip(port: number): Promise<Spread> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  const times: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const start = performance.now();
    socket.write("x");
    await once(socket, "data");
    times.push(performance.now() - start);
  }
  socket.destroy();
  return spread(times);
}
