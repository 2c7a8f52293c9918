export { htmlReport } from "./report/html-report.js";
export { junitReport } from "./report/junit-report.js";
export { parseReport } from "./report/parse-report.js";
export { type TextReportOptions, textReport } from "./report/text-report.js";
