// The clients that screens call. A call that the server answers with UNAUTHENTICATED ends the session on the page.
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { ApiKeyService } from "../../gen/spiderq/v1/api_key_service_pb.ts";
import { AuditService } from "../../gen/spiderq/v1/audit_service_pb.ts";
import { JobOutputService } from "../../gen/spiderq/v1/job_output_service_pb.ts";
import { JobQueueService } from "../../gen/spiderq/v1/job_queue_service_pb.ts";
import { JobService } from "../../gen/spiderq/v1/job_service_pb.ts";
import { ProjectService } from "../../gen/spiderq/v1/project_service_pb.ts";
import { RunnerService } from "../../gen/spiderq/v1/runner_service_pb.ts";
import { base } from "../base.ts";
import { reached, unreachable } from "./connection.ts";
import { sessionEnded } from "./session.ts";
import { clientOf } from "./transport.ts";

const observe: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    reached();
    return response;
  } catch (error) {
    const code = ConnectError.from(error).code;
    if (code === Code.Unauthenticated) sessionEnded();
    if (
      !request.signal.aborted &&
      (code === Code.Unavailable || code === Code.Unknown || code === Code.Internal)
    )
      unreachable(error);
    throw error;
  }
};
const url = location.origin + base;

export const jobs = clientOf(JobService, url, [observe]);
export const queue = clientOf(JobQueueService, url, [observe]);
export const output = clientOf(JobOutputService, url, [observe]);
export const projects = clientOf(ProjectService, url, [observe]);
export const runners = clientOf(RunnerService, url, [observe]);
export const apiKeys = clientOf(ApiKeyService, url, [observe]);
export const audit = clientOf(AuditService, url, [observe]);
