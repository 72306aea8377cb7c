import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import { VERSION } from "../../version.js";

/** The served document, without its routes. */
export function openApiDocument(): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Toolgate",
        version: VERSION,
        description:
          "Tools of a registry: find them, call them, follow what they say. The same rules as over gRPC hold for each route.",
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [{ url: "/" }],
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer", description: "An API key, a login's token, or an issuer's token." },
        },
      },
      security: [{ bearer: [] }, {}],
    },
  };
}
