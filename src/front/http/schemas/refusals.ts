import { PROBLEM, PROBLEM_TYPE } from "../problem.js";
import type { RouteAnswer } from "../route.js";

const REFUSALS: Readonly<Record<number, string>> = {
  400: "The request is malformed.",
  401: "The caller has not proved who it is.",
  403: "The caller may not do this.",
  404: "There is none, or the caller may not see it.",
  405: "The path is asked by other methods; `Allow` names them.",
  408: "The request did not arrive whole in time.",
  409: "It conflicts with what there is.",
  413: "The request is too large.",
  415: "The body is no JSON.",
  417: "The request expects what the node does not do.",
  421: "The request names a host that this node is not.",
  422: "It cannot be done with what the request holds.",
  429: "A limit was met; `Retry-After` says when to come again.",
  431: "The headers are too large.",
  499: "The caller went.",
  500: "A fault of the node.",
  501: "The node cannot do this.",
  502: "The provider did not answer as it must.",
  503: "The node cannot answer now; another one may.",
  504: "The time was over.",
};

/** What any route may refuse: each of the statuses of the error table, as a problem. */
export const REFUSED: Readonly<Record<number, RouteAnswer>> = Object.fromEntries(
  Object.entries(REFUSALS).map(([status, description]) => [
    status,
    { description, schema: PROBLEM, contentType: PROBLEM_TYPE },
  ]),
);
