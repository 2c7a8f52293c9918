export { Random } from "@manykv/conformance/faults";
