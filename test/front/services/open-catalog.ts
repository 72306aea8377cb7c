import { OPEN_ACCESS } from "../../../src/access/open-access.js";
import {
  type CatalogCallContext,
  type CatalogService,
  type CatalogServiceParts,
  createCatalogService,
} from "../../../src/front/services/catalog-service.js";

type Open<Method> = Method extends (request: infer Request, context: never) => infer Answer
  ? (request: Request) => Answer
  : never;

/** The catalogue's service as everybody has it in an open registry. */
export type OpenCatalog = {
  readonly [Name in Exclude<keyof CatalogService, "watch" | "getRegistry">]: Open<CatalogService[Name]>;
} & {
  getRegistry: CatalogService["getRegistry"];
  watch(
    request: Parameters<CatalogService["watch"]>[0],
    context: Pick<CatalogCallContext, "signal">,
  ): ReturnType<CatalogService["watch"]>;
};

export function openCatalog(parts: CatalogServiceParts): OpenCatalog {
  const service = createCatalogService(parts);
  const caller = { access: OPEN_ACCESS };
  return {
    listToolsets: (request) => service.listToolsets(request, caller),
    getToolset: (request) => service.getToolset(request, caller),
    search: (request) => service.search(request, caller),
    getRegistry: () => service.getRegistry(),
    watch: (request, { signal }) => service.watch(request, { ...caller, signal }),
  };
}
