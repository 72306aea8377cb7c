// redlock 5.0.0-beta.2 ships types, but its `exports` hide them from NodeNext resolution.
declare module "redlock" {
  export { default, Lock } from "node_modules/redlock/dist/index.js";
}
