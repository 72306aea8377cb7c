import { sealContract } from "../../src/contract/seal-contract.js";
import { parseIncarnation, parseProviderId, parseRegistryName, parseToolName, parseToolsetName, } from "../../src/identity/names.js";
import { createKeyspace } from "../../src/redis/keys.js";
import { renewLease } from "../../src/registry/leases.js";
import { recordPongs } from "../../src/registry/pongs.js";
import { register } from "../../src/registry/register.js";
/** Long enough for a test never to meet its end, in milliseconds. */
export const LONG_MS = 60_000;
export const TOOLSET = parseToolsetName("math", "name");
export const keyspace = createKeyspace(parseRegistryName("test", "registry"), 1);
export const keys = keyspace.forToolset(TOOLSET);
/** The registry's scripts on a Redis, by a client as nodes have it. */
export function registryStore(redis, healthWindowMs = LONG_MS) {
    return { redis, keyspace, healthWindowMs };
}
/** A contract with one tool, `sum`, of a version; contracts of other descriptions have other digests. */
export function contractOf(version, description = "adds", payload = { type: "object" }) {
    const contract = {
        name: TOOLSET,
        version,
        description,
        tags: [],
        tools: [{ name: parseToolName("sum", "name"), description: "", tags: [], payload, delivery: "once" }],
    };
    return sealContract(contract);
}
let tokens = 0;
/** A registration of one provider with the options that most tests want. */
export function registrationOf(sealed, provider = "p1", more = {}) {
    const { incarnation = "i1", owner = "default/anonymous", leaseMs = LONG_MS, ...options } = more;
    return {
        owner,
        sealed,
        provider: parseProviderId(provider, "provider"),
        incarnation: parseIncarnation(incarnation, "incarnation"),
        token: `token-${++tokens}`,
        leaseMs,
        options: {
            replace: false,
            activateAt: 0.5,
            maxBacklog: 100,
            retentionMs: LONG_MS,
            retireAfterMs: LONG_MS,
            ...options,
        },
    };
}
/** Registers, attaches with room and pongs: what a provider does until it serves. */
export async function serve(store, registration, room = 10, session = "s1") {
    const registered = await register(store, registration);
    await attach(store, registered.lease, room, session);
    await pong(store, registered.lease);
    return registered;
}
export function attach(store, lease, room, session = "s1") {
    return renewLease(store, LONG_MS, { lease, room, draining: false, session });
}
export async function pong(store, lease) {
    return (await recordPongs(store, keys, [lease]))[0];
}
export async function recordOf(redis) {
    const json = await redis.hget(keys.toolsets, TOOLSET);
    return json === null ? undefined : JSON.parse(json); // written by the scripts under test
}
/** State by epoch. */
export async function statesOf(redis) {
    const record = await recordOf(redis);
    return Object.fromEntries((record?.epochs ?? []).map(({ epoch, state }) => [epoch, state]));
}
/** What was announced, oldest first, as "kind epoch". */
export async function changesOf(redis) {
    const entries = await redis.xrange(keys.changes, "-", "+");
    return entries.map(([, fields]) => `${fields[1]} ${fields[5]}`);
}
export async function healthOf(redis, epoch) {
    const text = await redis.hget(keys.health, `${TOOLSET}@${epoch}`);
    if (text === null)
        return undefined;
    const [state = "", pong, live, room, announced] = text.split(" ");
    return { state, pong: Number(pong), live: Number(live), room: Number(room), announced: announced === "1" };
}
