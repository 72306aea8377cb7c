import { type Setting, type SettingsSchema, settingsOf } from "./settings.js";

/** What the command line needs to reach a cluster; all that it reads beside its arguments. */
export const CLIENT_SCHEMA = {
  nodes: {
    type: "text",
    default: "127.0.0.1:7400",
    placeholder: "host:port,…",
    description: "Nodes of the cluster, separated by commas; any of them will do.",
  },
  ca: {
    type: "text",
    default: "",
    placeholder: "file",
    description: "Certificates (PEM) that the nodes' TLS is checked against. With it, the connection uses TLS.",
  },
  keyFile: {
    type: "text",
    default: "",
    placeholder: "file",
    description: "A file with the credential to send: an API key, a session token or a JWT.",
  },
  context: {
    type: "text",
    default: "",
    placeholder: "name",
    description: "The connection of this name, as `toolgate context set` has kept it.",
  },
} as const satisfies SettingsSchema;

/** What stands in no command line, where other users and the shell's history would see it. */
export const CLIENT_SECRETS: readonly Setting[] = settingsOf({
  key: {
    type: "text",
    default: "",
    placeholder: "key",
    secret: true,
    description: "The credential to send: an API key, a session token or a JWT. It wins over a file's.",
  },
});

/** Every setting of a client that is an option too, in order. */
export const CLIENT_SETTINGS: readonly Setting[] = settingsOf(CLIENT_SCHEMA);
