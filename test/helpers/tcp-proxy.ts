/** A network between client and broker that fails on command. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  port: number;
  /** Open connections. */
  readonly connections: number;
  /** Connections ever taken. */
  readonly accepted: number;
  /** Ends every connection at once; new ones are taken. */
  cut(): void;
  /** Keeps the connections open but lets nothing through, until it is turned off. What came meanwhile is then passed on. */
  blackHole(on: boolean): void;
  /** Lets nothing through from the broker to the client, so that acknowledgements do not arrive. */
  holdReplies(on: boolean): void;
  /** Ends each new connection as soon as it is made. */
  refuse(on: boolean): void;
  /** Ends the broker's side of each connection in order; the client's stays open for writing. */
  halfClose(): void;
  /** Milliseconds by which everything that comes from now on is late, each way. */
  delay(ms: number): void;
  stop(): Promise<void>;
}

interface Pair {
  client: Socket;
  broker: Socket;
}

/** Listens on a free port of 127.0.0.1 and passes on to `target`. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let refusing = false;
  let holding = false;
  let holdingReplies = false;
  let late = 0;
  let accepted = 0;

  const settle = ({ client, broker }: Pair) => {
    if (holding) client.pause();
    else client.resume();
    if (holding || holdingReplies) broker.pause();
    else broker.resume();
  };

  const pass = (from: Socket, to: Socket) => {
    from.on('data', (chunk) => {
      if (late === 0) to.write(chunk);
      else setTimeout(() => to.write(chunk), late);
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    accepted++;
    if (refusing) {
      client.on('error', () => {});
      client.destroy();
      return;
    }
    const broker = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    const pair = { client, broker };
    pairs.add(pair);
    client.on('close', () => pairs.delete(pair));
    pass(client, broker);
    pass(broker, client);
    settle(pair);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const cut = () => {
    for (const pair of pairs) {
      pair.client.resetAndDestroy();
      pair.broker.destroy();
    }
  };
  return {
    port: (server.address() as { port: number }).port,
    get connections() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    cut,
    blackHole(on) {
      holding = on;
      for (const pair of pairs) settle(pair);
    },
    holdReplies(on) {
      holdingReplies = on;
      for (const pair of pairs) settle(pair);
    },
    refuse(on) {
      refusing = on;
    },
    halfClose() {
      for (const { client } of pairs) client.end();
    },
    delay(ms) {
      late = ms;
    },
    async stop() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
