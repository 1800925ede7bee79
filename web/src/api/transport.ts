// Clients of the gRPC-Web API. The session's cookie authenticates; no key is held here.
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import type { DescService } from "@bufbuild/protobuf";

/** A client of `service` at the server under `url`, an origin and the base path. */
export function clientOf<T extends DescService>(
  service: T,
  url: string,
  interceptors: Interceptor[] = [],
): Client<T> {
  return createClient(service, createGrpcWebTransport({ baseUrl: url.replace(/\/$/, ""), interceptors }));
}
