import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { serviceUrl } from "@manykv/test-services/vitest";
import { openStore, type Store } from "manykv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve } from "../src/shop/server.js";
import { Shop } from "../src/shop/shop.js";

const endpoint = encodeURIComponent(serviceUrl("dynamodb"));
const backends = {
  memory: "memory:",
  redis: serviceUrl("redis"),
  "redis cluster": serviceUrl("redis-cluster"),
  postgres: `${serviceUrl("postgres")}?table=manykv_shop`,
  dynamodb: `dynamodb://eu-central-1/manykv-shop?endpoint=${endpoint}`,
};

const apple = { name: "Apple", price: 40, stock: 3 };

describe.each(Object.entries(backends))("the shop on %s", (_, url) => {
  let store: Store;
  let shop: Shop;

  beforeAll(async () => {
    store = await openStore(url);
    await store.provision();
    shop = await Shop.open(store);
  });

  afterAll(async () => {
    await store.close();
  });

  test("creates only one account if many clients choose the same name", async () => {
    const name = randomUUID();
    const created = await Promise.all(Array.from({ length: 16 }, () => shop.signUp(name)));
    expect(created.filter(Boolean)).toHaveLength(1);
  });

  test("keeps what concurrent requests add to a cart, and forgets it at the end of the session", async () => {
    const user = randomUUID();
    await shop.signUp(user);
    const id = (await shop.logIn(user)) as string;
    const skus = Array.from({ length: 8 }, (_, index) => `fruit/${index}`);
    await Promise.all(skus.map((sku) => shop.addToCart(id, sku)));
    expect((await shop.session(id))?.cart.toSorted()).toEqual(skus);
    await shop.logOut(id);
    expect(await shop.addToCart(id, "fruit/8")).toBe(false);
    expect(await shop.logIn(randomUUID())).toBeUndefined();
  });

  test("sells no item twice", async () => {
    const category = randomUUID();
    await shop.saveProducts({ [`${category}/apple`]: apple, [`${category}/pear`]: { ...apple, name: "Pear" } });
    const bought = await Promise.all(Array.from({ length: 8 }, () => shop.buy(`${category}/apple`, 1)));
    expect(bought.filter(Boolean)).toHaveLength(apple.stock);
    const products = await shop.productsOf(category);
    expect([...products.keys()].toSorted()).toEqual([`${category}/apple`, `${category}/pear`]);
    expect(products.get(`${category}/apple`)).toEqual({ ...apple, stock: 0 });
  });

  test("saves no product that does not fit the schema", async () => {
    const sku = `${randomUUID()}/stone`;
    await expect(shop.saveProducts({ [sku]: { ...apple, price: 1.5 } })).rejects.toMatchObject({
      code: "invalid-argument",
      counts: { applied: 0, "not-applied": 1, unknown: 0 },
    });
    expect((await shop.getProducts([sku])).size).toBe(0);
  });

  test("limits the requests of a client", async () => {
    const client = randomUUID();
    const allowed = await Promise.all(Array.from({ length: 10 }, () => shop.allow(client, 4)));
    expect(allowed.filter(Boolean)).toHaveLength(4);
  });

  test("answers over HTTP", async () => {
    const server = serve(shop).listen(0, "127.0.0.1");
    await once(server, "listening");
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const user = randomUUID();
    const send = (method: string, path: string, body?: string, token = ""): Promise<Response> =>
      fetch(base + path, { method, ...(body && { body }), headers: { authorization: `Bearer ${token}` } });
    expect((await send("POST", "/accounts", user)).status).toBe(201);
    expect((await send("POST", "/accounts", user)).status).toBe(409);
    const token = (await (await send("POST", "/sessions", user)).json()) as string;
    expect((await send("POST", "/cart", "fruit/apple", token)).status).toBe(204);
    expect(await (await send("GET", "/cart", undefined, token)).json()).toEqual(["fruit/apple"]);
    expect((await send("GET", "/cart")).status).toBe(401);
    server.close();
  });
});
