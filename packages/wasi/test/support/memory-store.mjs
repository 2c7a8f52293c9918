import { memoryStore } from "@manykv/memory";

export default function openMemory() {
  return memoryStore();
}
