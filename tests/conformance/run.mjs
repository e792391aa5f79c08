// run.mjs - the official SDK for JavaScript, unmodified, against sluice-emulator.
//
// Usage: node run.mjs PATH_OF_SLUICE_EMULATOR      (or SLUICE_EMULATOR=PATH node run.mjs)
//
// The SDK takes its base URL from TWELVELABS_BASE_URL alone, read when the client is made, and joins
// paths such as "assets" to it; so the value ends in /v1.3. Without the variable it would talk to the
// real platform: this program refuses to go on with any address that is not loopback, and puts a
// guard around fetch that does the same for every single request.

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import assert from "node:assert/strict";

const KEY = "conformance-key";
const SDK_VERSION = "1.3.4";
const emulatorPath = process.argv[2] ?? process.env.SLUICE_EMULATOR;
if (!emulatorPath) {
  console.error("usage: node run.mjs PATH_OF_SLUICE_EMULATOR");
  process.exit(2);
}

function requireLoopback(url) {
  const host = new URL(url).hostname;
  if (!/^127\.\d+\.\d+\.\d+$/.test(host) && host !== "[::1]") {
    throw new Error(`refused: ${host} is not a loopback address`);
  }
}

// ---------------------------------------------------------------- the emulator

const folder = mkdtempSync(join(tmpdir(), "sluice-conformance-"));
const readyFile = join(folder, "ready.json");

// The SDK ignores upload_headers (R23), so the store must ask for no more than the SDK sends: plain.
// Three initial URLs for a file of twelve chunks make the SDK ask for more.
const emulator = spawn(emulatorPath, [
  "--dir", join(folder, "emulator"), "--ready-file", readyFile, "--api-key", KEY, "--quiet",
  "--chunk-size", "64KiB", "--initial-urls", "3", "--upload-headers", "plain",
  "--ready-after", "50ms", "--index-after", "90ms", "--entity-after", "50ms",
], { stdio: ["ignore", "inherit", "inherit"] });
const ended = new Promise((resolve) => emulator.on("exit", (code, signal) => resolve(code ?? signal)));
emulator.on("error", (error) => {
  console.error(`cannot start ${emulatorPath}: ${error.message}`);
  process.exit(2);
});

async function until(what, probe) {
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(20)) {
    const value = await probe();
    if (value) return value;
  }
  throw new Error(`gave up waiting for ${what}`);
}

const addresses = await until("the emulator", () => existsSync(readyFile) && JSON.parse(readFileSync(readyFile, "utf8")));
requireLoopback(addresses.base_url);
requireLoopback(addresses.store_url);
process.env.TWELVELABS_BASE_URL = addresses.base_url;

const plainFetch = globalThis.fetch;
globalThis.fetch = (input, init) => {
  requireLoopback(typeof input === "string" ? input : input.url ?? String(input));
  return plainFetch(input, init);
};

const { TwelveLabs } = await import("twelvelabs-js");
const client = new TwelveLabs({ apiKey: KEY });
requireLoopback(client._options.environment);

// ------------------------------------------------------------------ the checks

let passed = 0;
let failed = 0;
const quietLog = console.log;

async function check(name, body) {
  console.log = () => {}; // the SDK's upload helper talks
  try {
    await body();
    ++passed;
    quietLog(`ok      ${name}`);
  } catch (error) {
    ++failed;
    quietLog(`FAILED  ${name}: ${error.stack ?? error}${error.body ? ` ${JSON.stringify(error.body)}` : ""}`);
  } finally {
    console.log = quietLog;
  }
}

async function all(page) {
  const rows = [];
  for await (const row of await page) rows.push(row);
  return rows;
}

const ledger = async () => (await plainFetch(new URL("/__ledger", addresses.base_url))).json();
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const readyAsset = (id) => until(`asset ${id}`, async () => (await client.assets.retrieve(id)).status === "ready");

const filmBytes = randomBytes(11 * 65536 + 4711); // twelve chunks, the last one short
const filmPath = join(folder, "film.mp4");
writeFileSync(filmPath, filmBytes);
const faceBytes = randomBytes(3000);
const facePath = join(folder, "face.jpg");
writeFileSync(facePath, faceBytes);

let film, face, secondFace, indexId, indexedId, collectionId, entityId;

async function uploads() {
  await check("the installed SDK is exactly the one named", async () => {
    const require = createRequire(import.meta.url);
    assert.equal(require("twelvelabs-js/package.json").version, SDK_VERSION);
  });
  await check("multipart: uploadFile carries a file of twelve chunks", async () => {
    const steps = [];
    const result = await client.multipartUpload.uploadFile(filmPath, { batchSize: 5, progressCallback: (p) => steps.push(p) });
    film = result.assetId;
    assert.ok(film);
    assert.ok(result.assetUrl);
    assert.equal(steps.at(-1).completedChunks, 12);
  });
  await check("multipart: the object has the file's SHA-256", async () => {
    const object = (await ledger()).objects.find((row) => row.asset_id === film);
    assert.equal(object.sha256, sha256(filmBytes));
    assert.equal(object.bytes_received, filmBytes.length);
  });
  await check("multipart: uploadFile carries an image of one chunk", async () => {
    const result = await client.multipartUpload.uploadFile(facePath, { fileType: "image" });
    secondFace = result.assetId;
    await readyAsset(secondFace);
  });
  await check("multipart: create, more URLs, report, status and incomplete list", async () => {
    const session = await client.multipartUpload.create({ filename: "open.mp4", type: "video", totalSize: 200_000, userMetadata: { client_op: "c1" } });
    assert.equal(session.totalChunks, 4);
    assert.equal(session.uploadUrls.length, 3);
    assert.ok(session.expiresAt instanceof Date);
    const more = await client.multipartUpload.getAdditionalPresignedUrls(session.uploadId, { start: 4, count: 1 });
    assert.equal(more.uploadUrls[0].chunkIndex, 4);
    const put = await fetch(more.uploadUrls[0].url, { method: "PUT", body: Buffer.alloc(200_000 - 3 * 65536), headers: { "Content-Type": "application/octet-stream" } });
    const proof = put.headers.get("ETag").replaceAll('"', "");
    const report = await client.multipartUpload.reportChunkBatch(session.uploadId, {
      completedChunks: [{ chunkIndex: 4, proof, proofType: "etag", chunkSize: 200_000 - 3 * 65536 }],
    });
    assert.equal(report.totalCompleted, 1);
    const chunks = await all(client.multipartUpload.getStatus(session.uploadId));
    assert.deepEqual(chunks.map((row) => [row.index, row.status]), [[4, "completed"]]);
    const open = await all(client.multipartUpload.listIncompleteUploads({ pageLimit: 1 }));
    assert.deepEqual(open.map((row) => row.uploadId), [session.uploadId]);
  });
  await check("multipart: waitForUploadCompletion sees a completed session", async () => {
    const uploadId = (await ledger()).sessions.find((row) => row.asset_id === film).upload_id;
    const status = await client.multipartUpload.waitForUploadCompletion(uploadId, { sleepInterval: 0.05, maxWaitTime: 10 });
    assert.equal(status.status, "completed");
    assert.equal(status.completedChunks, 12);
  });
}

async function assets() {
  await check("assets: create, direct, from a stream", async () => {
    const asset = await client.assets.create({ method: "direct", file: createReadStream(facePath), filename: "face.jpg", userMetadata: JSON.stringify({ client_op: "c2" }) });
    face = asset.id;
    assert.equal(asset.method, "direct");
    assert.equal((await ledger()).objects.find((row) => row.asset_id === face).sha256, sha256(faceBytes));
  });
  await check("assets: create, by URL", async () => {
    const asset = await client.assets.create({ method: "url", url: "https://example.com/clips/clip.mp4", enableHls: true });
    assert.equal(asset.filename, "clip.mp4");
    await readyAsset(asset.id);
    assert.equal((await client.assets.retrieve(asset.id)).hls.status, "ready");
  });
  await check("assets: retrieve until ready, with size and metadata", async () => {
    await readyAsset(face);
    const asset = await client.assets.retrieve(face);
    assert.equal(asset.technicalMetadata.fileSizeBytes, faceBytes.length);
    assert.deepEqual(asset.userMetadata, { client_op: "c2" });
    assert.ok(asset.createdAt instanceof Date);
    await readyAsset(film);
  });
  await check("assets: list by ids, kinds and name, over pages", async () => {
    const byIds = await all(client.assets.list({ assetIds: [film, face], pageLimit: 1 }));
    assert.deepEqual(byIds.map((row) => row.id).sort(), [film, face].sort());
    const images = await all(client.assets.list({ assetTypes: ["image"] }));
    assert.deepEqual(images.map((row) => row.id), [face, secondFace]);
    assert.deepEqual((await all(client.assets.list({ filename: "FILM" }))).map((row) => row.id), [film]);
  });
  await check("assets: replace, update and delete user metadata", async () => {
    await client.assets.replaceUserMetadata(film, { userMetadata: { reel: "7", take: 2 } });
    await client.assets.updateUserMetadata(film, { userMetadata: { take: null, good: true } });
    assert.deepEqual((await client.assets.retrieve(film)).userMetadata, { reel: "7", good: true });
    await client.assets.deleteUserMetadata(film);
    assert.equal((await client.assets.retrieve(film)).userMetadata, undefined);
  });
  await check("assets: retrieving an unknown id is refused", async () => {
    await assert.rejects(client.assets.retrieve("000000000000000000000000"), (error) => error.statusCode === 404);
  });
}

async function indexes() {
  const models = [{ modelName: "marengo3.0", modelOptions: ["visual", "audio"] }];
  await check("indexes: create, and refuse the name a second time", async () => {
    indexId = (await client.indexes.create({ indexName: "films", models })).id;
    assert.ok(indexId);
    await assert.rejects(client.indexes.create({ indexName: "films", models }), (error) => error.body.code === "index_name_already_exists");
  });
  await check("indexes: list, retrieve and rename", async () => {
    const found = await all(client.indexes.list({ indexName: "films", sortBy: "created_at", sortOption: "asc" }));
    assert.deepEqual(found.map((row) => row.id), [indexId]);
    await client.indexes.update(indexId, { indexName: "movies" });
    const index = await client.indexes.retrieve(indexId);
    assert.equal(index.indexName, "movies");
    assert.equal(index.models[0].modelName, "marengo3.0");
  });
  await check("indexed assets: create", async () => {
    const row = await client.indexes.indexedAssets.create(indexId, { assetId: film, enableVideoStream: true, userMetadata: { reel: "7" } });
    indexedId = row.id;
    assert.equal(row.assetId, film);
  });
  await check("indexed assets: retrieve until ready", async () => {
    await until("the index", async () => (await client.indexes.indexedAssets.retrieve(indexId, indexedId)).status === "ready");
    const row = await client.indexes.indexedAssets.retrieve(indexId, indexedId);
    assert.equal(row.systemMetadata.filename, "film.mp4");
    assert.equal(row.hls.status, "COMPLETE");
    assert.deepEqual(row.userMetadata, { reel: "7" });
  });
  await check("indexed assets: list by status and range, update metadata", async () => {
    const rows = await all(client.indexes.indexedAssets.list(indexId, { status: ["ready", "failed"], duration: { gte: 1, lte: 100 } }));
    assert.deepEqual(rows.map((row) => row.id), [indexedId]);
    assert.deepEqual(await all(client.indexes.indexedAssets.list(indexId, { status: ["pending"] })), []);
    await client.indexes.indexedAssets.update(indexId, indexedId, { userMetadata: { reel: null, take: 1 } });
    assert.deepEqual((await client.indexes.indexedAssets.retrieve(indexId, indexedId)).userMetadata, { take: 1 });
  });
  await check("indexed assets: list by asset", async () => {
    const rows = await all(client.indexes.indexedAssets.listByAsset(film));
    assert.deepEqual(rows.map((row) => [row.id, row.index.id, row.index.name]), [[indexedId, indexId, "movies"]]);
  });
}

async function entities() {
  await check("entity collections: create, list, retrieve, update", async () => {
    collectionId = (await client.entityCollections.create({ name: "Cast", description: "people" })).id;
    assert.deepEqual((await all(client.entityCollections.list({ name: "cast", sortBy: "name" }))).map((row) => row.id), [collectionId]);
    await client.entityCollections.update(collectionId, { description: "actors" });
    assert.equal((await client.entityCollections.retrieve(collectionId)).description, "actors");
  });
  await check("entities: create, and retrieve until ready", async () => {
    const entity = await client.entityCollections.entities.create(collectionId, { name: "Ann", assetIds: [face], metadata: { client_op: "c3" } });
    entityId = entity.id;
    assert.equal(entity.status, "processing");
    await until("the entity", async () => (await client.entityCollections.entities.retrieve(collectionId, entityId)).status === "ready");
  });
  await check("entities: add and remove assets", async () => {
    const more = await client.entityCollections.entities.createAssets(collectionId, entityId, { assetIds: [secondFace] });
    assert.deepEqual(more.assetIds, [face, secondFace]);
    const fewer = await client.entityCollections.entities.deleteAssets(collectionId, entityId, { assetIds: [secondFace] });
    assert.deepEqual(fewer.assetIds, [face]);
  });
  await check("entities: list, list by asset, update", async () => {
    assert.deepEqual((await all(client.entityCollections.entities.list(collectionId, { name: "ann" }))).map((row) => row.id), [entityId]);
    assert.deepEqual((await all(client.entityCollections.entities.listByAsset(face))).map((row) => row.id), [entityId]);
    const entity = await client.entityCollections.entities.update(collectionId, entityId, { name: "Anna", metadata: { squad: "A" } });
    assert.deepEqual([entity.name, entity.metadata], ["Anna", { squad: "A" }]);
  });
  await check("entities: bulk create succeeds in part", async () => {
    const result = await client.entityCollections.entities.createBulk(collectionId, {
      entities: [{ name: "Bob", assetIds: [secondFace] }, { name: "Nobody", assetIds: ["gone"] }],
    });
    assert.deepEqual([result.successCount, result.failedCount, result.errors[0].entityIndex], [1, 1, 1]);
  });
}

async function deletions() {
  await check("deletes: an asset in use is refused, and goes with force", async () => {
    await assert.rejects(client.assets.delete(film), (error) => error.statusCode === 409);
    await client.indexes.indexedAssets.delete(indexId, indexedId);
    await client.assets.delete(film);
    await client.assets.delete(secondFace, { force: true });
  });
  await check("deletes: entity, collection, index", async () => {
    await client.entityCollections.entities.delete(collectionId, entityId);
    await client.entityCollections.delete(collectionId);
    await client.indexes.delete(indexId);
    assert.deepEqual(await all(client.indexes.list()), []);
  });
  await check("the ledger found no double and no leaked key", async () => {
    const { duplicates, key_leaks } = await ledger();
    // face.jpg went up twice on purpose: once by each way; one of the two is deleted by now.
    assert.deepEqual([duplicates, key_leaks], [[], 0]);
  });
}

try {
  for (const group of [uploads, assets, indexes, entities, deletions]) await group();
} finally {
  emulator.kill("SIGTERM");
  const code = await ended;
  await check("the emulator ends cleanly", async () => assert.equal(code, 0));
  rmSync(folder, { recursive: true, force: true });
}
console.log(`conformance: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
