/** The folder of the build that the SDK's modules are in, from the project's root. */
export const BUILT_SDK = "dist/src";

/** The module that `toolgate-sdk` exports, from that folder. */
export const SDK_ENTRY = "index.js";
