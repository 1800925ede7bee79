// The shared worker: all tabs of the browser read the live feed through this one connection.
import { hub } from "./hub.ts";
import type { ToWorker } from "./protocol.ts";

const handle = hub();
(self as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = (event) => {
  const port = event.ports[0]!;
  port.onmessage = (message: MessageEvent<ToWorker>) => handle(port, message.data);
};
