import type { Answer, Behaviour, Passage } from "./fault-proxy.js";

/** The server never sees the request. */
export const resetBefore: Behaviour = (passage) => passage.reset();

/** The server does it, and the answer is lost. */
export const resetAfter: Behaviour = async (passage) => {
  await passage.forward();
  passage.reset();
};

/** No answer ever comes, and the server never sees the request. */
export const hang: Behaviour = () => {};

/** The server does it, and no answer ever comes. */
export const hangAfter: Behaviour = (passage) => passage.forward();

/** An error as DynamoDB answers one. */
export function fail(status: number, name: string, message = ""): Behaviour {
  return answerJson(status, { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message });
}

export function answerJson(status: number, json: unknown): Behaviour {
  return (passage) => passage.reply({ status, body: Buffer.from(JSON.stringify(json)) });
}

/** The server does it, and its answer is changed on the way, with the checksum left out unless it is kept. */
export function damage(change: (body: Buffer) => Buffer, { keepChecksum = false } = {}): Behaviour {
  return async (passage) => {
    const answer = await passage.forward();
    passage.reply({ ...(keepChecksum ? answer : withoutChecksum(answer)), body: change(answer.body) });
  };
}

export function withoutChecksum(answer: Answer): Answer {
  const { "x-amz-crc32": _, ...headers } = answer.headers;
  return { ...answer, headers };
}

/** Does the first `count` requests of the operations that read and write items one way, and the rest as they are. */
export function first(count: number, behaviour: Behaviour): Behaviour {
  return async (passage) =>
    passage.number <= count ? behaviour(passage) : passage.reply(await passage.forward());
}

type Requests = Record<string, unknown[] | { Keys: unknown[] }>;

/**
 * Has the server do a part of the batch, and names the rest as unprocessed. `leave` tells for each key whether it is
 * left; at least one is done, since DynamoDB throws where it does none.
 */
export function leaveUnprocessed(leave: () => boolean): Behaviour {
  return async (passage: Passage) => {
    const { RequestItems: items } = JSON.parse(passage.body.toString()) as { RequestItems: Requests };
    const [table, requests] = Object.entries(items)[0] as [string, Requests[string]];
    const all = Array.isArray(requests) ? requests : requests.Keys;
    const left = all.slice(1).filter(leave);
    const done = all.filter((one) => !left.includes(one));
    const with_ = (some: unknown[]) => (Array.isArray(requests) ? some : { ...requests, Keys: some });
    const answer = await passage.forward(
      Buffer.from(JSON.stringify({ RequestItems: { [table]: with_(done) } })),
    );
    const body = JSON.parse(answer.body.toString()) as Record<string, Requests>;
    const unprocessed = Array.isArray(requests) ? "UnprocessedItems" : "UnprocessedKeys";
    if (left.length > 0) body[unprocessed] = { ...body[unprocessed], [table]: with_(left) };
    passage.reply({ ...withoutChecksum(answer), body: Buffer.from(JSON.stringify(body)) });
  };
}
