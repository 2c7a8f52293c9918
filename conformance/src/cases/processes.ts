import type { ConformanceCase } from "../conformance-case.js";
import { runInChild } from "../support/run-in-child.js";

/** Cases for the end of a process, and for programs that change global objects. They run in a child process. */
export const processCases: readonly ConformanceCase[] = [
  {
    id: "s16-process-close",
    rule: "S16",
    subject: "driver",
    title: "after close, the store keeps no timer and no socket, whether or not it was used",
    async run(context) {
      await Promise.all([runInChild(context, "close-unused"), runInChild(context, "close")]);
    },
  },
  {
    id: "s16-network-process-after-timeout",
    rule: "S16",
    subject: "network",
    title: "after calls timed out because the server stands still, close leaves nothing that keeps the process alive",
    run: async (context) => runInChild(context, "close-after-timeout", await context.proxies()),
  },
  {
    id: "s16-network-process-after-cancelling",
    rule: "S16",
    subject: "network",
    title:
      "after calls were cancelled because the server stands still, close leaves nothing that keeps the process alive",
    run: async (context) => runInChild(context, "close-after-cancelling", await context.proxies()),
  },
  {
    id: "s16-network-process-calls-in-flight",
    rule: "S16",
    subject: "network",
    title:
      "if close is called while calls wait for a server that stands still, nothing keeps the process alive afterwards",
    run: async (context) => runInChild(context, "close-during-calls", await context.proxies()),
  },
  {
    id: "s16-network-process-connecting",
    rule: "S16",
    subject: "network",
    title: "if the store is closed while it connects, nothing keeps the process alive afterwards",
    run: async (context) => runInChild(context, "close-while-connecting", await context.proxies()),
  },
  {
    id: "s16-network-process-refused",
    rule: "S16",
    subject: "network",
    title: "if the server refuses connections, close leaves nothing that keeps the process alive",
    run: async (context) => runInChild(context, "close-while-refused", await context.proxies()),
  },
  {
    id: "same-network-process-lost-connections",
    rule: "same",
    subject: "network",
    title:
      "a process survives and its calls succeed again after its idle, opening and closing connections were cut and reset",
    run: async (context) => runInChild(context, "lose-connections", await context.proxies()),
  },
  {
    id: "same-process-with-open-store",
    rule: "same",
    subject: "driver",
    title: "a store that is not closed does not keep the process alive while no call is in flight",
    run: (context) => runInChild(context, "leave-open"),
  },
  {
    id: "same-process-fake-timers",
    rule: "same",
    subject: "driver",
    title: "a store works while a test replaces the global timers and clocks",
    run: (context) => runInChild(context, "fake-timers"),
  },
  {
    id: "same-process-frozen-built-ins",
    rule: "same",
    subject: "driver",
    title: "a store works in a program that froze the prototypes of the built-in objects",
    run: (context) => runInChild(context, "frozen-built-ins"),
  },
];
