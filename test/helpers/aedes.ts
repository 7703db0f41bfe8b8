/** A broker in this process for one test file. It needs no installation, and supports only MQTT 3.1.1. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Aedes } from 'aedes';

export interface AedesServer {
  url: string;
  port: number;
  broker: Aedes;
  /** Resolves when clients whose id matches have subscribed to `topic` this many times. */
  subscribed(client: RegExp, topic: string, times?: number): Promise<void>;
  /** Client and topic of everything that was published. */
  readonly published: readonly { client: string; topic: string }[];
  stop(): Promise<void>;
}

export async function startAedes(options: Parameters<typeof Aedes.createBroker>[0] = {}): Promise<AedesServer> {
  const broker = await Aedes.createBroker(options);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    broker.handle(socket);
  });
  const published: { client: string; topic: string }[] = [];
  broker.on('publish', ({ topic }, client) => {
    if (client) published.push({ client: client.id, topic });
  });
  const subscriptions: { client: string; topic: string }[] = [];
  broker.on('subscribe', (topics, client) => {
    subscriptions.push(...topics.map(({ topic }) => ({ client: client.id, topic })));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    broker,
    published,
    async subscribed(client, topic, times = 1) {
      const found = () => subscriptions.filter((each) => client.test(each.client) && each.topic === topic).length;
      while (found() < times) await once(broker, 'subscribe');
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
    },
  };
}
