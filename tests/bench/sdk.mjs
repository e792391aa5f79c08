// sdk.mjs PLAN - uploads files by the official SDK for JavaScript, and says what that took.
//
// PLAN is JSON: files, at_once (how many uploadFile calls run side by side), max_workers (null: the SDK's own).
// The last line of output is JSON; the SDK itself prints above it.

import { readFileSync } from "node:fs";
import { TwelveLabs } from "twelvelabs-js";

const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
const host = new URL(process.env.TWELVELABS_BASE_URL).hostname;
if (host !== "127.0.0.1") throw new Error(`refused: ${host} is not the sink`);
const client = new TwelveLabs({ apiKey: process.env.TWELVE_LABS_API_KEY });
const options = plan.max_workers ? { maxWorkers: plan.max_workers, batchSize: plan.max_workers } : {};

const say = console.log;
console.log = () => {};
const cpuBefore = process.cpuUsage();
const begun = process.hrtime.bigint();
const waiting = [...plan.files];
await Promise.all(
  Array.from({ length: plan.at_once }, async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) await client.multipartUpload.uploadFile(file, options);
  }),
);
const wall_s = Number(process.hrtime.bigint() - begun) / 1e9;
const cpu = process.cpuUsage(cpuBefore);
say(JSON.stringify({ wall_s, cpu_s: (cpu.user + cpu.system) / 1e6, max_rss_bytes: process.resourceUsage().maxRSS * 1024 }));
process.exit(0);
