// Loaded into a node whose memory is measured (`--expose-gc --import`): SIGUSR2 makes it collect its garbage.
process.on("SIGUSR2", () => globalThis.gc());
