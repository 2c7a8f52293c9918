import { randomUUID } from "node:crypto";
import { type Bucket, json, type Store, StoreError, schema, type TypedBucket, typed } from "manykv";
import { z } from "zod";

export interface Product {
  readonly name: string;
  readonly price: number;
  readonly stock: number;
}

export interface Session {
  readonly user: string;
  readonly cart: readonly string[];
}

const product: z.ZodType<Product> = z.object({ name: z.string(), price: z.int(), stock: z.int() });

const sessionTime = 30 * 60_000;
const limitTime = 60_000;

/** A small shop on any store: accounts, sessions that expire, a product catalogue, and a rate limit. */
export class Shop {
  readonly #accounts: TypedBucket<{ since: string }>;
  readonly #sessions: TypedBucket<Session>;
  readonly #products: TypedBucket<Product>;
  readonly #requests: Bucket;

  private constructor(accounts: Bucket, sessions: Bucket, products: Bucket, requests: Bucket) {
    this.#accounts = typed(accounts, json());
    this.#sessions = typed(sessions, json());
    this.#products = typed(products, schema(product));
    this.#requests = requests;
  }

  static async open(store: Store): Promise<Shop> {
    const open = (name: string): Promise<Bucket> => store.open(name);
    return new Shop(await open("accounts"), await open("sessions"), await open("products"), await open("requests"));
  }

  /** Creates an account. Returns false if the name is taken. */
  async signUp(user: string): Promise<boolean> {
    try {
      await this.#accounts.set(user, { since: new Date().toISOString() }, { ifAbsent: true });
      return true;
    } catch (error) {
      if (StoreError.is(error) && error.code === "precondition-failed") return false;
      throw error;
    }
  }

  /** Returns the id of a new session, which ends after 30 minutes. Returns undefined if there is no such account. */
  async logIn(user: string): Promise<string | undefined> {
    if (!(await this.#accounts.exists(user))) return undefined;
    const id = randomUUID();
    await this.#sessions.set(id, { user, cart: [] }, { ttl: sessionTime });
    return id;
  }

  session(id: string): Promise<Session | undefined> {
    return this.#sessions.get(id);
  }

  logOut(id: string): Promise<void> {
    return this.#sessions.delete(id);
  }

  /** Adds a product to the cart, without extending the session. Returns false if the session has ended. */
  async addToCart(id: string, sku: string): Promise<boolean> {
    for (let expected = await this.#sessions.get(id); expected !== undefined; ) {
      const value = { ...expected, cart: [...expected.cart, sku] };
      const result = await this.#sessions.compareAndSwap(id, { expected, value });
      if (result.swapped) return true;
      expected = result.current;
    }
    return false;
  }

  /** Saves products by their stock-keeping units, such as `fruit/apple`. */
  saveProducts(bySku: Readonly<Record<string, Product>>): Promise<void> {
    return this.#products.setMany(Object.entries(bySku));
  }

  getProducts(skus: readonly string[]): Promise<Map<string, Product>> {
    return this.#products.getMap(skus);
  }

  /** Returns the products of a category, by their stock-keeping units. */
  async productsOf(category: string): Promise<Map<string, Product>> {
    const skus: string[] = [];
    for await (const sku of this.#products.keys({ prefix: `${category}/` })) skus.push(sku);
    return this.#products.getMap(skus);
  }

  /** Takes items from the stock. Returns false if there are too few. */
  async buy(sku: string, count: number): Promise<boolean> {
    for (let expected = await this.#products.get(sku); expected !== undefined && expected.stock >= count; ) {
      const value = { ...expected, stock: expected.stock - count };
      const result = await this.#products.compareAndSwap(sku, { expected, value });
      if (result.swapped) return true;
      expected = result.current;
    }
    return false;
  }

  /** Counts a request of a client. Returns false if the client has made more than `limit` requests in a minute. */
  async allow(client: string, limit: number): Promise<boolean> {
    return (await this.#requests.increment(client, 1, { ttl: limitTime })) <= limit;
  }

  /** Ends all sessions. */
  logOutAll(): Promise<void> {
    return this.#sessions.clear({ timeout: Number.POSITIVE_INFINITY });
  }
}
