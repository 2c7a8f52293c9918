import type { Reply } from "../protocol/exchange.js";
import { textOf } from "../replies.js";
import { slotCount } from "./key-slot.js";
import { type Address, keyOfAddress } from "./node-address.js";

const unowned = 0xffff;

/** A node that serves slots, with the name that it keeps for life. */
export interface Master {
  readonly id: string;
  readonly address: Address;
}

/** Which master serves which slot. */
export class SlotMap {
  readonly masters: Master[] = [];
  readonly replicas: Address[] = [];
  readonly #owners: Uint16Array = new Uint16Array(slotCount).fill(unowned);
  readonly #indexes: Map<string, number> = new Map();

  /** Index into `masters`, or -1 for a slot that nobody serves. */
  ownerOf(slot: number): number {
    const owner = this.#owners[slot] as number;
    return owner === unowned ? -1 : owner;
  }

  get complete(): boolean {
    return !this.#owners.includes(unowned);
  }

  assign(from: number, to: number, master: Master): void {
    const key = keyOfAddress(master.address);
    const index = this.#indexes.get(key) ?? this.masters.push(master) - 1;
    this.#indexes.set(key, index);
    this.#owners.fill(index, from, to + 1);
  }
}

/**
 * Reads the reply to `CLUSTER SLOTS`. Gives `undefined` for one that is none, or that names no slot.
 * https://redis.io/docs/latest/commands/cluster-slots/
 *
 * @param answering - the node that gave it
 * @param translate - the address under which this process reaches a node
 */
export function parseSlotMap(
  reply: Reply | undefined,
  answering: Address,
  translate: (address: Address) => Address,
): SlotMap | undefined {
  const map = new SlotMap();
  for (const range of list(reply)) {
    const [from, to, master, ...replicas] = list(range);
    const address = addressOf(master, answering);
    const [first, last] = [Number(from), Number(to)];
    if (address === undefined || !(first >= 0 && last < slotCount)) continue;
    map.assign(first, last, { id: textOf(list(master)[2]) ?? "", address: translate(address) });
    for (const replica of replicas) {
      const other = addressOf(replica, answering);
      if (other !== undefined) map.replicas.push(translate(other));
    }
  }
  return map.masters.length > 0 ? map : undefined;
}

/** `[host, port, id, [name, value, ...]]`: the host is empty where it is the answering node's, `?` where unknown. */
function addressOf(node: Reply | undefined, answering: Address): Address | undefined {
  const [host, port, , metadata] = list(node);
  if (port === undefined) return undefined;
  const text = textOf(host) ?? "";
  if (text !== "?") return { host: text || answering.host, port: Number(port) };
  const words = list(metadata).map(textOf);
  const ip = words[words.indexOf("ip") + 1];
  return words.includes("ip") && ip ? { host: ip, port: Number(port) } : undefined;
}

function list(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}
