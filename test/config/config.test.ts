import { describe, expect, test } from "vitest";
import { type Config, parseConfig, SETTINGS } from "../../src/config/config.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";

function refusal(env: Record<string, string>, flags: Record<string, string> = {}): ToolgateError {
  try {
    parseConfig({ env, flags });
  } catch (error) {
    if (error instanceof ToolgateError) return error;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

describe("defaults", () => {
  test("an empty environment is a whole configuration", () => {
    expect(parseConfig({ env: {} })).toMatchInlineSnapshot(`
      {
        "advertise": "",
        "audit": "auto",
        "auditMaxBytes": 268435456,
        "auditRetentionMs": 2592000000,
        "auth": "auto",
        "bootstrapKeyFile": "",
        "claimLeaseIdempotentMs": 5000,
        "claimLeaseOnceMs": 30000,
        "defaultTimeoutMs": 60000,
        "drainGraceMs": 10000,
        "durability": "fast",
        "egressAllow": "",
        "heartbeatMs": 10000,
        "httpHosts": "",
        "httpListen": "auto",
        "httpOrigins": "",
        "keyringFile": "",
        "leaseMs": 30000,
        "listEndedCalls": "on",
        "listen": "127.0.0.1:7400",
        "lockRedisUrls": "",
        "lockTtlMs": 5000,
        "logFile": "",
        "logFileBytes": 67108864,
        "logFiles": 5,
        "logLevel": "info",
        "loginTtlMs": 3600000,
        "maxAttempts": 3,
        "maxBacklog": 10000,
        "maxCachedContracts": 1000,
        "maxConnections": 8192,
        "maxConnectionsPerHost": 7168,
        "maxContractBytes": 4194304,
        "maxDeltas": 10000,
        "maxHeldBytes": 268435456,
        "maxHeldBytesPerPeer": 100663296,
        "maxInFlightPerPeer": 8192,
        "maxMessageBytes": 8388608,
        "maxOutputBytes": 16777216,
        "maxPayloadBytes": 1048576,
        "maxResultBytes": 3145728,
        "maxSchemaBytes": 262144,
        "maxSessions": 4096,
        "maxSessionsPerHost": 3584,
        "maxSessionsPerPeer": 1024,
        "maxStreamsPerConnection": 4096,
        "maxTimeoutMs": 600000,
        "maxToolsets": 20000,
        "maxTracesPerSecond": 100,
        "mcpTaskAfterMs": 5000,
        "messageTimeoutMs": 60000,
        "metricsPush": "",
        "metricsPushMs": 60000,
        "metricsTools": 200,
        "missedPings": 3,
        "nodeId": "",
        "opsAuth": "auto",
        "opsListen": "127.0.0.1:7481",
        "opsTls": "off",
        "pingIntervalMs": 10000,
        "readTimeoutMs": 30000,
        "redisUrl": "redis://127.0.0.1:6379",
        "registry": "default",
        "replicaTimeoutMs": 1000,
        "replicas": 1,
        "resultTtlMs": 600000,
        "retentionMs": 86400000,
        "retireAfterMs": 600000,
        "schemaWorkers": 0,
        "shards": 0,
        "tlsCert": "",
        "tlsClientAuth": "none",
        "tlsClientCa": "",
        "tlsClientCrl": "",
        "tlsKey": "",
        "traceRatio": "0",
        "traces": "",
        "webhookBackoffMs": 5000,
        "webhookRetryMs": 86400000,
        "webhookSecrets": "",
        "webhookTimeoutMs": 10000,
      }
    `);
  });

  test("every default keeps its own rule", () => {
    for (const setting of SETTINGS) {
      const env = { [setting.variable]: String(setting.default) };
      expect(parseConfig({ env })[setting.key as keyof Config]).toBe(setting.default); // a setting's key is one
    }
  });

  test("it is frozen", () => {
    expect(Object.isFrozen(parseConfig({ env: {} }))).toBe(true);
  });
});

describe("sources", () => {
  test("a variable is read, and a flag wins over it", () => {
    const env = { TOOLGATE_MAX_PAYLOAD_BYTES: "1000", TOOLGATE_LISTEN: "[::1]:0", REDIS_URL: "rediss://u:p@r:1/2" };
    expect(parseConfig({ env })).toMatchObject({ maxPayloadBytes: 1000, listen: "[::1]:0", redisUrl: env.REDIS_URL });
    expect(parseConfig({ env, flags: { maxPayloadBytes: "2000" } }).maxPayloadBytes).toBe(2000);
  });

  test("an empty variable counts as unset, space around a value as nothing", () => {
    expect(parseConfig({ env: { TOOLGATE_REGISTRY: "", TOOLGATE_LEASE_MS: " 40000 " } })).toMatchObject({
      registry: "default",
      leaseMs: 40_000,
    });
  });

  test("variables of others are left alone", () => {
    const env = {
      PATH: "/bin",
      TOOLGATE_NODES: "a:1",
      TOOLGATE_CA: "ca.pem",
      TOOLGATE_PORT_7400_TCP_ADDR: "10.0.0.1",
      TOOLGATE_SERVICE_HOST: "10.0.0.1",
    };
    expect(parseConfig({ env })).toEqual(parseConfig({ env: {} }));
  });
});

describe("the operators' listener", () => {
  test("on an address that others reach, where nobody has a credential, it must be said that it is open", () => {
    const env = { TOOLGATE_OPS_LISTEN: "0.0.0.0:7481", TOOLGATE_AUTH: "none" };
    expect(refusal(env).message).toContain("set TOOLGATE_OPS_AUTH=none where everybody may read them");
    for (const more of [{ TOOLGATE_OPS_AUTH: "none" }, { TOOLGATE_AUTH: "required" }, { TOOLGATE_OPS_LISTEN: "off" }])
      expect(() => parseConfig({ env: { ...env, ...more } })).not.toThrow();
  });
});

describe("faults", () => {
  test("all are reported at once, each by the name that the user gave", () => {
    const error = refusal(
      {
        TOOLGATE_MAX_PAYLOAD_BYTES: "lots",
        TOOLGATE_LISTEN: "nowhere",
        TOOLGATE_LOG_LEVEL: "loud",
        TOOLGATE_PING_INTERVAL: "5",
        REDIS_URL: "http://:secret@host",
      },
      { maxAttempts: "0", heartbeatMz: "1" },
    );
    expect(error.reason).toBe("INVALID_CONFIG");
    expect(error.violations).toHaveLength(7);
    expect(error.message).toMatchInlineSnapshot(`
      "7 settings are wrong:
        TOOLGATE_PING_INTERVAL is not a setting; did you mean TOOLGATE_PING_INTERVAL_MS?
        --heartbeat-mz is not a flag; did you mean --heartbeat-ms?
        REDIS_URL must begin with redis://, redis+sentinel:// or redis+cluster:// (for TLS with rediss), as in "redis://127.0.0.1:6379"
        TOOLGATE_LISTEN must be a host and a port, as in "127.0.0.1:7400" or "[::1]:7400", not "nowhere"; leave it out for 127.0.0.1:7400
        TOOLGATE_LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, not "loud"; leave it out for info
        --max-attempts must be an integer from 1 to 100, not "0"; leave it out for 3
        TOOLGATE_MAX_PAYLOAD_BYTES must be an integer from 1 to 33554432, not "lots"; leave it out for 1048576"
    `);
  });

  test.each([
    [{ TOOLGATE_TLS_CERT: "c.pem" }, "TOOLGATE_TLS_CERT, TOOLGATE_TLS_KEY"],
    [{ TOOLGATE_TLS_KEY: "k.pem" }, "TOOLGATE_TLS_CERT, TOOLGATE_TLS_KEY"],
    [{ TOOLGATE_DEFAULT_TIMEOUT_MS: "700000" }, "TOOLGATE_DEFAULT_TIMEOUT_MS, TOOLGATE_MAX_TIMEOUT_MS"],
    [{ TOOLGATE_MAX_SCHEMA_BYTES: "5000000" }, "TOOLGATE_MAX_SCHEMA_BYTES, TOOLGATE_MAX_CONTRACT_BYTES"],
    [{ TOOLGATE_MAX_PAYLOAD_BYTES: "8388608" }, "TOOLGATE_MAX_PAYLOAD_BYTES, TOOLGATE_MAX_MESSAGE_BYTES"],
    [{ TOOLGATE_MAX_RESULT_BYTES: "8388608" }, "TOOLGATE_MAX_RESULT_BYTES, TOOLGATE_MAX_MESSAGE_BYTES"],
    [{ TOOLGATE_MAX_CONTRACT_BYTES: "8388608" }, "TOOLGATE_MAX_CONTRACT_BYTES, TOOLGATE_MAX_MESSAGE_BYTES"],
    [{ TOOLGATE_HEARTBEAT_MS: "15001" }, "TOOLGATE_LEASE_MS, TOOLGATE_HEARTBEAT_MS"],
  ])("settings that do not fit together: %j", (env, field) => {
    expect(refusal(env).violations).toEqual([{ field, description: expect.stringContaining("") }]);
  });

  test("a rule over several settings waits until each is right by itself", () => {
    expect(refusal({ TOOLGATE_DEFAULT_TIMEOUT_MS: "x", TOOLGATE_MAX_TIMEOUT_MS: "1" }).violations).toHaveLength(1);
  });

  test.each([
    ["TOOLGATE_REDIS_URL", "REDIS_URL"],
    ["TOOLGATE_MAX_PAYLOAD_BYTE", "TOOLGATE_MAX_PAYLOAD_BYTES"],
    ["TOOLGATE_LSITEN", "TOOLGATE_LISTEN"],
    ["TOOLGATE_NODE", "TOOLGATE_NODES"],
  ])("%s is taken for a slip of %s", (variable, meant) => {
    expect(refusal({ [variable]: "1" }).message).toContain(`${variable} is not a setting; did you mean ${meant}?`);
  });

  test.each([
    "redis://h:6379,redis://g:6379",
    "memcached://h",
    "h:6379",
    "redis://",
    "redis://h/db",
    "redis://h?maxRetriesPerRequest=20",
  ])("Redis URL %s is refused", (url) => {
    expect(refusal({ REDIS_URL: url }).violations[0]?.field).toBe("REDIS_URL");
  });

  test.each(["redis://:hunter2@h?x=1", "hunter2", "redis://u:hunter2@a,b", "redis://u:hunter2@h:99999"])(
    "a secret is never repeated: %s",
    (url) => {
      const error = refusal({ REDIS_URL: url });
      expect(`${error.message}${JSON.stringify(error.violations)}${String(error.stack)}`).not.toContain("hunter2");
    },
  );

  test.each(["-1", "1.5", "1e99", "NaN", "0x10x", "١", "9".repeat(400)])("%s is no count", (value) => {
    expect(refusal({ TOOLGATE_MAX_ATTEMPTS: value }).message).toContain("must be an integer from 1 to 100");
    expect(refusal({ TOOLGATE_MAX_ATTEMPTS: value }).message.length).toBeLessThan(300);
  });
});

describe("authentication", () => {
  test.each(["127.0.0.1:7400", "127.8.9.1:1", "localhost:0", "[::1]:7400", "[0:0:0:0:0:0:0:1]:7400"])(
    "need not be said for %s, which only this machine reaches",
    (listen) => {
      expect(parseConfig({ env: { TOOLGATE_LISTEN: listen } })).toMatchObject({ auth: "auto", bootstrapKeyFile: "" });
    },
  );

  test.each(["0.0.0.0:7400", "[::]:7400", "10.0.0.1:7400", "gateway.example:7400", "127.0.0.1.example:7400"])(
    "has to be said for %s, with the two lines to add",
    (listen) => {
      const error = refusal({ TOOLGATE_LISTEN: listen });
      expect(error.reason).toBe("INVALID_CONFIG");
      expect(error.message).toContain(`others can reach ${listen}`);
      expect(error.message).toMatch(/\n\s*TOOLGATE_AUTH=required\n\s*TOOLGATE_BOOTSTRAP_KEY_FILE=/);
      for (const env of [
        { TOOLGATE_AUTH: "required" },
        { TOOLGATE_AUTH: "none" },
        { TOOLGATE_BOOTSTRAP_KEY_FILE: "key" },
      ])
        expect(parseConfig({ env: { TOOLGATE_LISTEN: listen, ...env } }).listen).toBe(listen);
    },
  );

  test.each([
    [{ tlsClientAuth: "require" }, /TLS_CLIENT_CA|tls-client-ca/],
    [{ tlsClientAuth: "require", tlsClientCa: "ca.pem" }, /with TLS only/],
    [{ tlsClientCa: "ca.pem" }, /go together/],
    [{ tlsClientCrl: "crl.pem" }, /revocation lists/],
  ] as const)("by certificates needs its settings together: %j", (flags, message) => {
    expect(refusal({}, flags).message).toMatch(message);
  });
});

test("HTTP that others can reach asks who they are", () => {
  const flags = { httpListen: "0.0.0.0:7480" };
  expect(() => parseConfig({ env: {}, flags })).toThrow(/others can reach 0\.0\.0\.0:7480/);
  expect(parseConfig({ env: {}, flags: { ...flags, auth: "required" } }).httpListen).toBe("0.0.0.0:7480");
  for (const httpListen of ["off", "auto", "[::1]:0"])
    expect(parseConfig({ env: {}, flags: { httpListen } })).toMatchObject({ httpListen, auth: "auto" });
  expect(() => parseConfig({ env: {}, flags: { httpListen: "on" } })).toThrow(
    /must be "auto", "off", or a host and a port/,
  );
});
