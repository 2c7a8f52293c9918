import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Product, Shop } from "./shop.js";

/** Maximum number of requests of one client in a minute. */
const requestLimit = 100;

type Answer = readonly [status: number, body?: unknown];

/** Serves a shop over HTTP. The session id is a bearer token. */
export function serve(shop: Shop): Server {
  return createServer(async (request, response) => {
    const [status, body] = await answer(shop, request).catch((error: unknown): Answer => {
      console.error(error);
      return [503, "try again"];
    });
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
}

async function answer(shop: Shop, request: IncomingMessage): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://shop");
  if (!(await shop.allow(request.socket.remoteAddress ?? "unknown", requestLimit))) return [429, "too many requests"];
  const token = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
  switch (`${request.method} ${pathname}`) {
    case "POST /accounts":
      return (await shop.signUp(await textOf(request))) ? [201] : [409, "the name is taken"];
    case "POST /sessions": {
      const session = await shop.logIn(await textOf(request));
      return session === undefined ? [401, "no such account"] : [201, session];
    }
    case "DELETE /sessions":
      await shop.logOut(token);
      return [204];
    case "GET /cart": {
      const session = await shop.session(token);
      return session === undefined ? [401, "log in"] : [200, session.cart];
    }
    case "POST /cart":
      return (await shop.addToCart(token, await textOf(request))) ? [204] : [401, "log in"];
    case "PUT /products":
      await shop.saveProducts(JSON.parse(await textOf(request)) as Record<string, Product>);
      return [204];
    case "GET /products":
      return [200, Object.fromEntries(await shop.productsOf(searchParams.get("category") ?? ""))];
    case "POST /purchases":
      return (await shop.buy(await textOf(request), 1)) ? [204] : [409, "sold out"];
    default:
      return [404, "not found"];
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await request.toArray()).toString();
}
