// All runners of a list, page by page: a page ends by the bytes of the spiders' names.
import type { Runner } from "../../gen/spiderq/v1/runner_service_pb.ts";
import { runners } from "./client.ts";

export async function allRunners(
  request: { project?: bigint; showGone?: boolean },
  signal: AbortSignal,
): Promise<Runner[]> {
  const all: Runner[] = [];
  let pageToken = "";
  do {
    const page = await runners.listRunners({ ...request, pageToken }, { signal });
    all.push(...page.runners);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return all;
}
