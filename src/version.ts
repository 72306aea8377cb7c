/** This version of Toolgate, as `package.json` has it; a test keeps them equal. */
export const VERSION = "0.2.0";
