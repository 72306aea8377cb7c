import type { ClientUnaryCall, ServiceError } from "@grpc/grpc-js";
import type { ToolgateError } from "../../../src/errors/toolgate-error.js";
import { fromServiceError } from "../../../src/protocol/status-details.js";

type Callback<Response> = (error: ServiceError | null, response?: Response) => void;

/** The answer of a unary call; rejects with the ToolgateError that came. */
export function ask<Response>(start: (callback: Callback<Response>) => ClientUnaryCall): Promise<Response> {
  return new Promise((resolve, reject) => {
    start((error, response) => {
      if (error !== null) reject(fromServiceError(error));
      else if (response === undefined) reject(new Error("neither an error nor a response"));
      else resolve(response);
    });
  });
}

/** The error of a unary call. */
export async function refusal(start: (callback: Callback<unknown>) => ClientUnaryCall): Promise<ToolgateError> {
  const answer = await ask(start).then(
    (response) => ({ response }),
    (error: ToolgateError) => error,
  );
  if (answer instanceof Error) return answer;
  throw new Error(`an answer came: ${JSON.stringify(answer.response)}`);
}
