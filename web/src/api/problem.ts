// Errors in words: what went wrong, and what to do about it.
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";

export interface Problem {
  message: string;
  /** What the reader can do; may be empty. */
  advice: string;
  /** Wrong fields by their path. */
  fields: { field: string; description: string }[];
  /** ErrorReason without its prefix. */
  reason: string;
  metadata: Record<string, string>;
}

const ADVICE: Partial<Record<Code, string>> = {
  [Code.PermissionDenied]: "Log in with a key that may do it, or ask an admin.",
  [Code.NotFound]: "It may have been purged, or removed by retention. Check the address.",
  [Code.Unavailable]: "The page tries again by itself.",
  [Code.ResourceExhausted]: "Wait a little and try again, or ask an admin for a larger quota.",
  [Code.Internal]: "The server's log has the cause under the request id. Tell the operator.",
  [Code.Unknown]: "The server can't be reached. The page tries again by itself.",
};

export function problemOf(error: unknown): Problem {
  const failure = ConnectError.from(error);
  const info = failure.findDetails(ErrorInfoSchema)[0];
  const fields = failure.findDetails(BadRequestSchema).flatMap((request) => request.fieldViolations);
  return {
    message: failure.rawMessage || String(error),
    advice: ADVICE[failure.code] ?? "",
    fields: fields.map(({ field, description }) => ({ field, description })),
    reason: info?.reason ?? "",
    metadata: info?.metadata ?? {},
  };
}
/** One line of it. */
export const problemText = (error: unknown) => problemOf(error).message;
export const isCode = (error: unknown, code: Code) => ConnectError.from(error).code === code;
