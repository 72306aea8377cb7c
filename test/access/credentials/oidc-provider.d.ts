/** What these tests use of it: its package has no types. */
declare module "oidc-provider" {
  export default class Provider {
    constructor(issuer: string, configuration: object);
    callback(): import("node:http").RequestListener;
  }
}
